/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of a packet in an NFQUEUE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portal/responder.h"

struct queue_packet {
	uint32_t id;	  /* the kernel counts those of a queue */
	uint32_t ifindex; /* that it came in by; 0: not told */
	/* But the zone; its data stay in the message.  All zero if its bytes or its sender's MAC were
	 * not told. */
	struct responder_packet packet;
};

/* False: the message tells of no packet. */
bool queue_packet_parse(const void *data, size_t len, struct queue_packet *ret_told);

/* A packet that the gateway itself sends. */
struct queue_outgoing {
	uint32_t id;
	uint32_t ifindex;    /* that it leaves by; 0: not told */
	const uint8_t *data; /* from the IP header on; NULL: not told */
	size_t len;
};

bool queue_packet_parse_outgoing(const void *data, size_t len, struct queue_outgoing *ret_told);
