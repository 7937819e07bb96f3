/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/neighbours.h"

/* What the hash tables are of; 0: of the MAC. */
static const void *key_of(const struct neighbour *n, enum neighbours_index index, size_t *ret_len)
{
	*ret_len = index == BY_MAC ? MAC_LEN : n->addr.family == 4 ? 4 : 16;
	return index == BY_MAC ? (const void *)n->mac.b : n->addr.b;
}

/* FNV-1a: a guest that makes its own chain long only makes the search for itself long. */
static uint32_t hash(const void *key, size_t len)
{
	const unsigned char *at = key;
	uint32_t h = 2166136261U;

	while (len-- > 0)
		h = (h ^ *at++) * 16777619U;
	return h ^ h >> 15;
}

static bool build(struct neighbours *all, enum neighbours_index index)
{
	uint32_t *buckets = calloc(all->mask + 1, sizeof(*buckets));
	size_t len;

	all->buckets[index] = buckets;
	for (size_t i = 0; i < all->count && buckets; i++) {
		struct neighbour *n = &all->all[i];
		const void *key = key_of(n, index, &len);
		uint32_t *bucket = &buckets[hash(key, len) & all->mask];

		n->next[index] = *bucket;
		*bucket = (uint32_t)i + 1;
	}
	return buckets != NULL;
}

int neighbours_build(struct neighbours *all)
{
	while (all->mask < all->count)
		all->mask = 2 * all->mask + 1;
	return build(all, BY_MAC) && build(all, BY_ADDR) ? 0 : -ENOMEM;
}

void neighbours_finish(struct neighbours *all)
{
	for (size_t i = 0; i < NEIGHBOURS_INDEXES; i++)
		free(all->buckets[i]);
	free(all->all);
	*all = (struct neighbours){0};
}

static const struct neighbour *find(const struct neighbours *all, enum neighbours_index index,
				    uint32_t from, const void *key, size_t len)
{
	for (uint32_t i = from; i > 0; i = all->all[i - 1].next[index]) {
		size_t other_len;
		const void *other = key_of(&all->all[i - 1], index, &other_len);

		if (other_len == len && memcmp(other, key, len) == 0)
			return &all->all[i - 1];
	}
	return NULL;
}

static const struct neighbour *find_first(const struct neighbours *all, enum neighbours_index index,
					  const void *key, size_t len)
{
	if (!all->buckets[index])
		return NULL;
	return find(all, index, all->buckets[index][hash(key, len) & all->mask], key, len);
}

const struct neighbour *neighbours_first(const struct neighbours *all, const struct mac *mac)
{
	return find_first(all, BY_MAC, mac->b, MAC_LEN);
}

const struct neighbour *neighbours_next(const struct neighbours *all, const struct neighbour *n)
{
	return find(all, BY_MAC, n->next[BY_MAC], n->mac.b, MAC_LEN);
}

const struct mac *neighbours_owner(const struct neighbours *all, const struct addr *addr)
{
	const struct neighbour *n = find_first(all, BY_ADDR, addr->b, addr->family == 4 ? 4 : 16);

	return n ? &n->mac : NULL;
}
