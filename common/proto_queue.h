/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between the gate and a web worker: divert "queue", and, with the first worker alone and over a socket pair of
 * their own, the host names of walled gardens. */
#pragma once

#include "common/garden.h"
#include "common/proto.h"

enum {
	PACKET_SOCKETS_MAX = 256, /* workers times zones with divert "queue" */
	GARDEN_ANSWER_MAX = 32,	  /* addresses of one DNS answer, or the first of so many */
};

/* Comes with the netlink socket of an NFQUEUE, which the worker may only read: the kernel
 * takes verdicts from the gate alone. */
struct queue_open {
	struct msg_head head;
};

/* The zone is at this interface now; with divert "queue" its packet sockets are bound to it. */
struct queue_zone {
	struct msg_head head;
	uint32_t zone;
	uint32_t ifindex;
	uint32_t mtu;
	struct mac mac; /* of the interface */
	uint16_t pad;
	struct addr addrs[2]; /* its IPv4 and IPv6 address; family 0: none */
};

/* All packets up to this one are done with. */
struct queue_drop {
	struct msg_head head;
	uint32_t packet_id;
	uint32_t pad;
};

struct garden_address {
	struct addr addr; /* port 0 */
	uint32_t ttl;	  /* seconds */
};

/* A DNS answer was read: its addresses are open for so long, if the zone's list is still the one that it was held against, and
 * then the packet leaves.  Without addresses it just leaves. */
struct garden_answer {
	struct msg_head head;
	uint32_t packet_id;
	uint32_t zone;
	uint64_t names; /* that were asked for: at least one, if there are addresses */
	uint32_t list;	/* garden_names_sum() */
	uint32_t count;
	struct garden_address found[GARDEN_ANSWER_MAX];
};
