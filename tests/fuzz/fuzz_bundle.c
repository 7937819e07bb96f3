/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a web worker maps: a bundle that passes the check can be read to its end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a", "zone/0/title", "nothing", ""};
	struct bundle bundle = {.map = (void *)(uintptr_t)data, .len = size};
	size_t len;

	if (bundle_check(data, size) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *found = bundle_get(&bundle, names[i], &len);

		if (found && (found[len] != '\0' || strlen(found) > len))
			abort();
		bundle_get_number(&bundle, names[i], 0);
	}
	return 0;
}
