/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "nft/garden.h"
#include "nft/garden_comment.h"

/* A name without a port opens all of an address. */
static const char *kind_of(const struct opened_address *a)
{
	return a->protocol ? "ports" : "names";
}

static void write_opened(FILE *out, const struct gate_zone *zone, struct opened *opened)
{
	const uint64_t now = opened_now();

	opened_sort(opened, now);
	for (size_t i = 0; i < opened->count; i++) {
		const struct opened_address *a = &opened->each[i];
		char text[ADDR_TEXT_MAX], comment[COMMENT_MAX];

		if (!opened_is_first(opened, i))
			continue;
		fprintf(out, "add element inet portald z_%s_%s%u { %s", zone->name, kind_of(a),
			a->addr.family, addr_format(&a->addr, text));
		if (a->protocol)
			fprintf(out, " . %u . %u", a->protocol, a->port);
		garden_comment(comment, &zone->garden, a);
		fprintf(out, " timeout %" PRIu64 "ms comment \"%s\" }\n", a->end - now, comment);
	}
}

void garden_write(FILE *out, const struct gate_zone *zone, struct opened *opened)
{
	for (size_t i = 0; i < zone->garden.count; i++) {
		const struct garden_entry *e = &zone->garden.entries[i];
		const unsigned int last = e->protocol ? e->protocol : UINT8_MAX;
		char net[ADDR_TEXT_MAX];

		fprintf(out, "add element inet portald z_%s_garden%u { %s/%u . %u-%u . %u-%u }\n",
			zone->name, e->net.family, addr_format(&e->net, net), e->prefix,
			e->protocol, last, e->port_first, e->port_last);
	}
	write_opened(out, zone, opened);
}
