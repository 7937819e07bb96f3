/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/garden.h"

void garden_write(FILE *out, const struct gate_zone *zone)
{
	for (size_t i = 0; i < zone->garden.count; i++) {
		const struct garden_entry *e = &zone->garden.entries[i];
		const unsigned int last = e->protocol ? e->protocol : UINT8_MAX;
		char net[ADDR_TEXT_MAX];

		fprintf(out, "add element inet portald z_%s_garden%u { %s/%u . %u-%u . %u-%u }\n",
			zone->name, e->net.family, addr_format(&e->net, net), e->prefix,
			e->protocol, last, e->port_first, e->port_last);
	}
}
