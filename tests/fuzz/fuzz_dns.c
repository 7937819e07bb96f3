/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/garden_name.h"
#include "portal/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A packet.  What it opens is of names in the list, and nothing that the gate would not take. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct garden garden;
	char bad[GARDEN_TEXT_MAX];
	struct dns_answer answer;

	if (!garden.name_count &&
	    garden_parse("*.garden.example www.signed.example alias.signed.example:443", &garden,
			 bad) < 0)
		abort();
	if (!dns_answer_read(data, size, &garden, &answer))
		return 0;
	if (answer.count == 0 || answer.count > GARDEN_ANSWER_MAX || answer.names == 0 ||
	    answer.names >> garden.name_count)
		abort();
	for (size_t i = 0; i < answer.count; i++) {
		const struct garden_address *found = &answer.found[i];

		if (!garden_address_fits(&found->addr) || found->addr.port || found->addr.pad ||
		    found->ttl > INT32_MAX)
			abort();
	}
	return 0;
}
