/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which name and which certificate a zone has: its own, else those of all zones. */
#include "daemon/config.h"

const char *config_hostname(const struct config *c, const struct zone_config *zone)
{
	return zone->hostname ? zone->hostname : c->hostname;
}

const struct pair *config_pair(const struct config *c, const struct zone_config *zone)
{
	const struct pair *pair = zone->pair.certificate ? &zone->pair : &c->pair;

	return pair->certificate ? pair : NULL;
}
