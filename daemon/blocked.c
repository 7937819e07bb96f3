/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/blocked.h"

static struct blocked *find(const struct blocklist *list, const char *zone, const struct mac *mac)
{
	struct blocked_key key;
	struct blocked *found;

	memset(&key, 0, sizeof(key));
	strncpy(key.zone, zone, sizeof(key.zone) - 1);
	key.mac = *mac;
	HASH_FIND(hh, list->all, &key, sizeof(key), found);
	return found;
}

int blocklist_put(struct blocklist *list, const struct store_entry *entry)
{
	struct blocked *b = find(list, entry->zone, &entry->mac);

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

bool blocklist_remove(struct blocklist *list, const char *zone, const struct mac *mac)
{
	struct blocked *b = find(list, zone, mac);

	if (!b)
		return false;
	HASH_DEL(list->all, b);
	free(b);
	return true;
}

const struct store_entry *blocklist_find(const struct blocklist *list, const char *zone,
					 const struct mac *mac)
{
	const struct blocked *b = find(list, zone, mac);

	if (!b)
		b = find(list, "", mac);
	return b ? &b->entry : NULL;
}

void blocklist_finish(struct blocklist *list)
{
	struct blocked *b, *next;

	HASH_ITER (hh, list->all, b, next) {
		HASH_DEL(list->all, b);
		free(b);
	}
}
