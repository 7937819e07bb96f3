/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/maclist.h"

static struct listed *find(const struct maclist *list, const char *zone, const struct mac *mac)
{
	struct listed_key key;
	struct listed *found;

	memset(&key, 0, sizeof(key));
	strncpy(key.zone, zone, sizeof(key.zone) - 1);
	key.mac = *mac;
	HASH_FIND(hh, list->all, &key, sizeof(key), found);
	return found;
}

int maclist_put(struct maclist *list, const struct store_entry *entry)
{
	struct listed *b = find(list, entry->zone, &entry->mac);

	if (b) {
		b->entry = *entry;
		return 0;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	snprintf(b->key.zone, sizeof(b->key.zone), "%s", entry->zone);
	b->key.mac = entry->mac;
	b->entry = *entry;
	HASH_ADD(hh, list->all, key, sizeof(b->key), b);
	return 0;
}

bool maclist_remove(struct maclist *list, const char *zone, const struct mac *mac)
{
	struct listed *b = find(list, zone, mac);

	if (!b)
		return false;
	HASH_DEL(list->all, b);
	free(b);
	return true;
}

const struct store_entry *maclist_find(const struct maclist *list, const char *zone,
				       const struct mac *mac)
{
	const struct listed *b = find(list, zone, mac);

	if (!b)
		b = find(list, "", mac);
	return b ? &b->entry : NULL;
}

void maclist_finish(struct maclist *list)
{
	struct listed *b, *next;

	HASH_ITER (hh, list->all, b, next) {
		HASH_DEL(list->all, b);
		free(b);
	}
}
