/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which MAC has which address: the kernel's neighbour table, by rtnetlink.  Needs no privilege. */
#pragma once

#include <stddef.h>

#include "common/addr.h"
#include "common/netlink.h"

/* What neighbours are found by. */
enum neighbours_index { BY_MAC, BY_ADDR, NEIGHBOURS_INDEXES };

/* An entry that can be sent to. */
struct neighbour {
	struct mac mac;
	struct addr addr;
	uint32_t next[NEIGHBOURS_INDEXES]; /* of its hash chains: its place plus one; 0: none */
};

/* All usable entries of an interface. */
struct neighbours {
	struct neighbour *all;
	size_t count;
	uint32_t mask; /* buckets, less one */
	uint32_t *buckets[NEIGHBOURS_INDEXES];
};

/* The MAC of an address on the interface.  -ENOENT: no entry, or one that has failed or is not
 * resolved yet. */
int neigh_find(struct netlink *nl, unsigned int ifindex, const struct addr *addr,
	       struct mac *ret_mac);

/* Negative errno: there is nothing to finish. */
int neighbours_read(struct neighbours *ret_all, struct netlink *nl, unsigned int ifindex);
void neighbours_finish(struct neighbours *all);

/* The entries of this MAC, one after the other; NULL: no more. */
const struct neighbour *neighbours_first(const struct neighbours *all, const struct mac *mac);
const struct neighbour *neighbours_next(const struct neighbours *all, const struct neighbour *n);
/* Who has the address, or NULL. */
const struct mac *neighbours_owner(const struct neighbours *all, const struct addr *addr);
