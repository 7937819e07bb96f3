/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which MAC has which address: the kernel's neighbour table, by rtnetlink.  Needs no privilege. */
#pragma once

#include <event2/event.h>

#include "common/netlink.h"
#include "daemon/neighbours.h"

/* The MAC of an address on the interface.  -ENOENT: no entry, or one that has failed or is not
 * resolved yet. */
int neigh_find(struct netlink *nl, unsigned int ifindex, const struct addr *addr,
	       struct mac *ret_mac);

/* Reads whole tables, one at a time, a few entries in each turn of the loop. */
struct neigh_reader;

/* Has a socket of its own.  Negative errno. */
int neigh_reader_create(struct event_base *base, struct neigh_reader **ret_reader);
/* What is under way ends without a call. */
void neigh_reader_destroy(struct neigh_reader *r);

/* Calls fn in a later turn.  error: 0, or negative errno, and nothing is in `all`, which becomes the
 * callee's.  ifindex 0: no interface, no neighbours. */
typedef void neigh_read_fn(void *data, int error, struct neighbours *all);
void neigh_read(struct neigh_reader *r, unsigned int ifindex, neigh_read_fn *fn, void *data);
