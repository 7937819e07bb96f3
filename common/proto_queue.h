/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between the gate and a web worker: divert "queue". */
#pragma once

#include "common/proto.h"

enum { PACKET_SOCKETS_MAX = 256 }; /* workers times zones with divert "queue" */

/* Comes with the netlink socket of the worker's NFQUEUE, which the worker may only read: the kernel
 * takes verdicts from the gate alone. */
struct queue_open {
	struct msg_head head;
};

/* The zone's packet sockets are bound to this interface now. */
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
