/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block list: devices that get no session, each in one zone or in all.  In memory only; the
 * callers keep it in the store. */
#pragma once

#include "daemon/store_row.h"

struct blocked_key {
	char zone[ZONE_NAME_MAX]; /* "": all zones; NULs behind the name */
	struct mac mac;
};

struct blocked {
	struct blocked_key key;
	struct store_entry entry;
	UT_hash_handle hh;
};

struct blocklist {
	struct blocked *all;
};

/* Adds, or replaces the one of the same zone and MAC.  -ENOMEM. */
int blocklist_put(struct blocklist *list, const struct store_entry *entry);
/* False: there was none of just this zone ("": the one for all). */
bool blocklist_remove(struct blocklist *list, const char *zone, const struct mac *mac);
/* What blocks the device in this zone: an entry of the zone, or one for all; or NULL. */
const struct store_entry *blocklist_find(const struct blocklist *list, const char *zone,
					 const struct mac *mac);
void blocklist_finish(struct blocklist *list);
