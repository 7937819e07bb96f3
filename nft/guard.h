/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard: a small table of its own, inet portald_guard, that keeps the zones closed while the
 * ruleset is gone because somebody flushed it.  What our forward chain lets through carries the
 * mark; right behind it the guard drops what comes from or goes to a zone without one.
 *
 * Where the kernel can (6.9 and newer) the table belongs to our socket (flags owner, persist): a
 * flush of others passes it by, and it outlives us, without an owner, until the next gate takes it
 * over.  Elsewhere a flush takes it along, and its prebuilt transaction is what closes the hole
 * first.
 *
 * CLOSED, while the ruleset is being restored, drops all that is forwarded, marked or not, and
 * what comes from the zones before anything else sees it: a member that the sets do not know yet
 * must not be reset.  But for what is the same for members and strangers, and what a login needs: the portal
 * at the gateway's own address, its resolver, neighbour discovery.  Who logs in meanwhile is let in with
 * the others.
 *
 * There is no chain for packets to the gateway itself.  Nothing tells those that our input chain
 * let through from others: the mark says more there ("the host may accept it"), and members' carry
 * none.  Until CLOSED is in place, a stranger's packet may reach a service that only portald's
 * rules keep it from; a connection cannot come of it, since the next packet is refused again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/netlink.h"
#include "common/proto_ruleset.h"

enum guard_state { GUARD_OPEN, GUARD_CLOSED, GUARD_STATES };

struct guard {
	struct netlink *nl; /* NETLINK_NETFILTER; it owns the table */
	uint32_t flags;	    /* of the table: as far as this kernel knows them */
	struct {
		char *buf; /* the whole transaction */
		size_t len;
		uint32_t acked;
	} batches[GUARD_STATES];
};

/* Takes over a table that an earlier gate left, where the kernel can.  -EPERM: another gate runs. */
int guard_init(struct guard *g, struct netlink *nl);
void guard_finish(struct guard *g);

/* Prebuilds the transactions for these zones. */
int guard_prepare(struct guard *g, const struct gate_zone *zones, size_t count, uint32_t mark);

/* Makes the table anew in this state, in one transaction. */
int guard_put(struct guard *g, enum guard_state state);

/* 0: it is gone, or was not there; -EPERM: it belongs to a gate that runs. */
int guard_remove(struct netlink *nl);
