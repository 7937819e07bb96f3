/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletes what the connection tracking table has of guests that are out.  A pass over a large table takes
 * long, so it is made a datagram at a time, between the verbs; those who ask during one share the next.
 */
#pragma once

#include "common/msg.h"
#include "nft/conntrack.h"

struct sweep;

struct forgetting {
	struct netlink dumps; /* NETLINK_NETFILTER, of its own */
	struct netlink *nl;   /* for deletions */
	struct netlink_dump dump;
	struct sweep *under_way, *next; /* NULL: none */
	/* error: 0 or negative errno of what was asked with this id.  A negative errno ends the gate. */
	int (*done)(void *data, uint32_t id, int error);
	void *data;
};

int forget_init(struct forgetting *f, struct netlink *nl);
void forget_finish(struct forgetting *f);

/* Done will be called, but at -ENOMEM. */
int forget_ask(struct forgetting *f, const struct gate_forget *ask, const struct web_ports *ports);
/* The socket of the dumps can be read: a part of the pass.  Negative errno: exit. */
int forget_go_on(struct forgetting *f);
