/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP segments as a guest's kernel writes them, and a reader of the responder's frames; both
 * without portald's own code, checksums too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_PACKET_MAX = 2048, FAKE_ETHERNET = 14 };

struct fake_tcp {
	bool ip6;
	uint8_t src[16], dst[16]; /* four bytes if not ip6 */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, mss; /* mss 0: no option */
	const uint8_t *data;
	size_t len;
};

/* Writes the IP packet and returns its length. */
size_t fake_write(const struct fake_tcp *tcp, uint8_t ret_packet[static FAKE_PACKET_MAX]);
/* Sets the checksums of a packet that was changed; extensions: bytes between IPv6 header and TCP. */
void fake_mend(uint8_t *packet, size_t len, size_t extensions);

/* Reads a whole, well-formed IP packet of TCP without options but MSS: what is wrong with it, or
 * NULL. data points into the packet. */
const char *fake_read(const uint8_t *packet, size_t len, struct fake_tcp *ret_tcp);
