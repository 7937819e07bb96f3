/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More time for guests, by themselves: extend and extend-max. */
#include <string.h>

#include "daemon/config_parse.h"

int config_parse_extend(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	if (strcmp(value, "none") != 0)
		return config_parse_duration(l, key, value, field);
	*(uint64_t *)field = 0;
	return 0;
}

void config_check_extend(struct config_load *l, const struct zone_config *zone)
{
	if (!zone->extend_max)
		return;
	l->line = config_line(l->config, zone, "extend-max");
	l->zone = zone->name;
	l->key = "extend-max";
	if (!zone->extend)
		config_complain(l, "without extend nobody gets more time; set it, for instance "
				   "extend = 1h");
	else if (zone->extend_max <= zone->session)
		config_complain(l, "a session lasts so long without an extension; make it longer "
				   "than session");
}
