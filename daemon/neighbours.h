/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy of the neighbour table of one interface, to look in. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

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

/* After `all` was filled, before anything is looked up.  -ENOMEM: finish it. */
int neighbours_build(struct neighbours *all);
void neighbours_finish(struct neighbours *all);

/* The entries of this MAC, one after the other; NULL: no more. */
const struct neighbour *neighbours_first(const struct neighbours *all, const struct mac *mac);
const struct neighbour *neighbours_next(const struct neighbours *all, const struct neighbour *n);
/* Who has the address, or NULL. */
const struct mac *neighbours_owner(const struct neighbours *all, const struct addr *addr);
