/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of devices, each in one zone or in all: those that are blocked, or those that are trusted.
 * In memory only; the callers keep it in the store. */
#pragma once

#include "daemon/store_row.h"

struct listed_key {
	char zone[ZONE_NAME_MAX]; /* "": all zones; NULs behind the name */
	struct mac mac;
};

struct listed {
	struct listed_key key;
	struct store_entry entry;
	UT_hash_handle hh;
};

struct maclist {
	struct listed *all;
};

/* Adds, or replaces the one of the same zone and MAC.  -ENOMEM. */
int maclist_put(struct maclist *list, const struct store_entry *entry);
/* False: there was none of just this zone ("": the one for all). */
bool maclist_remove(struct maclist *list, const char *zone, const struct mac *mac);
/* What lists the device in this zone: an entry of the zone, or one for all; or NULL. */
const struct store_entry *maclist_find(const struct maclist *list, const char *zone,
				       const struct mac *mac);
void maclist_finish(struct maclist *list);
