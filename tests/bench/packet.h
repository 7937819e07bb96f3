/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet frames with one TCP segment, an ARP message or a neighbour discovery message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	FRAME_MAX = 1514,   /* without the check sequence */
	SEGMENT_MSS = 1440, /* fits both families */
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

/* All numbers in host byte order; ports are in the addresses. */
struct segment {
	struct mac from_mac, to_mac;
	struct addr from, to;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint16_t mss; /* written if not 0; not read */
	const uint8_t *data;
	size_t len;
};

/* A question for, or an answer about, the owner of an address (RFC 826; RFC 4861, 4.3 and 4.4). */
struct neighbour {
	struct mac from_mac, to_mac;
	struct addr from, to; /* of the sender, and of the packet's destination */
	struct addr target;
	struct mac target_mac; /* answers only */
	bool answer;
};

/* Bytes written.  len is at most SEGMENT_MSS. */
size_t segment_write(const struct segment *segment, uint8_t frame[static FRAME_MAX]);
size_t neighbour_write(const struct neighbour *neighbour, uint8_t frame[static FRAME_MAX]);

/* verify: check the TCP checksum (a frame from the same machine may have none yet).  0; positive:
 * it is something else; -EBADMSG: a bad length or checksum.  data points into the frame. */
int segment_read(const uint8_t *frame, size_t len, bool verify, struct segment *ret_segment);
int neighbour_read(const uint8_t *frame, size_t len, struct neighbour *ret_neighbour);

/* family: 4 or 6; p has 4 or 16 bytes */
void addr_read(const uint8_t *p, uint8_t family, struct addr *ret_addr);
