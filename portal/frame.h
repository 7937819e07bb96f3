/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP segment written as a whole Ethernet frame: Ethernet, 802.1Q tag if there is one, IPv4 or
 * IPv6, TCP, data, with their checksums.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	FRAME_MTU_MAX = 1500,
	FRAME_MAX = 14 + 4 + FRAME_MTU_MAX, /* bytes of one frame, with a tag, without its FCS */
	FRAME_HOPS = 64,
};

struct frame {
	struct mac src_mac, dst_mac;
	uint16_t vlan;	      /* tag control information of an 802.1Q tag; 0: no tag */
	struct addr src, dst; /* of one family, with the ports */
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint16_t mss; /* offered as an option; 0: none */
	const uint8_t *data;
	size_t len; /* the IP packet is at most FRAME_MTU_MAX bytes */
};

/* Returns the frame's length. */
size_t frame_write(const struct frame *f, uint8_t ret_frame[static FRAME_MAX]);
