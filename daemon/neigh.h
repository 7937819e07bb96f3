/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which MAC has which address: the kernel's neighbour table, by rtnetlink.  Needs no privilege. */
#pragma once

#include <stddef.h>

#include "common/addr.h"
#include "common/netlink.h"

/* An entry that can be sent to. */
struct neighbour {
	struct mac mac;
	struct addr addr;
};

/* The MAC of an address on the interface.  -ENOENT: no entry, or one that has failed or is not
 * resolved yet. */
int neigh_find(struct netlink *nl, unsigned int ifindex, const struct addr *addr,
	       struct mac *ret_mac);

/* All usable entries of an interface, sorted by MAC; the caller frees *ret_all. */
int neigh_list(struct netlink *nl, unsigned int ifindex, struct neighbour **ret_all,
	       size_t *ret_count);

/* The first entry of this MAC in a sorted list, or NULL; the others follow it. */
const struct neighbour *neigh_first(const struct neighbour *all, size_t count,
				    const struct mac *mac);
