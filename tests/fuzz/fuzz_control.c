/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of the control socket. */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/control_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request r = {0};
	char why[ERROR_TEXT_MAX];

	if (control_parse((const char *)data, size, &r, why) == 0) {
		for (size_t i = 1; i < r.mac_count; i++) {
			if (mac_equal(&r.macs[i - 1], &r.macs[i]))
				abort();
		}
	}
	control_request_finish(&r);
	return 0;
}
