/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A zone's walled garden (common/garden.h). */
#include <errno.h>

#include "common/garden.h"
#include "daemon/config_parse.h"

int config_parse_garden(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	char bad[GARDEN_TEXT_MAX];
	struct garden garden;

	(void)key;
	switch (garden_parse(value, &garden, bad)) {
	case 0:
		return config_set_text(field, value);
	case -EEXIST:
		return config_complain(
			l, "\"%s\" overlaps with an entry before it; leave one of them out", bad);
	case -E2BIG:
		return config_complain(
			l,
			"\"%s\" is one too many; there is room for %d addresses and %d names (ports "
			"without /tcp or /udp count twice); take prefixes and wildcards",
			bad, GARDEN_MAX, GARDEN_NAMES_OWN);
	default:
		return config_complain(l,
				       "\"%s\" cannot be; write 192.0.2.0/24 (no bits beyond the "
				       "prefix), 192.0.2.7:443/tcp, [2001:db8::/32]:80-443, "
				       "example.org, *.example.org or example.org:443 (one port; "
				       "letters beyond ASCII as xn--...)",
				       bad);
	}
}
