/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's TCP segment, read from the IP packet that carries it: pure functions over foreign bytes.
 * What is not plainly well-formed, or cannot come from one guest to one host, is refused by name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	PACKET_EXTENSIONS_MAX = 8, /* IPv6 extension headers */
	PACKET_IP4_HEADER = 20,
	PACKET_IP6_HEADER = 40,
	PACKET_TCP_HEADER = 20,
	PACKET_MSS_OPTION = 4,
};

enum packet_refusal {
	PACKET_FINE,
	PACKET_TRUNCATED, /* headers or lengths that do not fit the bytes */
	PACKET_NO_IP,
	PACKET_FRAGMENT,
	PACKET_EXTENSION, /* IPv6: an extension header that no guest needs, or too many */
	PACKET_NO_TCP,
	PACKET_CHECKSUM,
	PACKET_ADDRESS, /* multicast, broadcast, loopback, unspecified, or from a host to itself */
	PACKET_PORT,	/* zero */
	PACKET_FLAGS,	/* a combination that no TCP sends */
	PACKET_REFUSALS
};

struct segment {
	struct addr src, dst; /* with the ports */
	uint32_t seq, ack;
	uint8_t flags; /* TH_... of netinet/tcp.h */
	uint16_t window;
	uint16_t mss;	     /* of the option; 0: none */
	size_t ip_len;	     /* of the whole IP packet */
	const uint8_t *data; /* points into the packet */
	size_t len;
};

/* packet: from the IP header on; bytes behind the IP packet are ignored.  partial: the TCP checksum
 * is not computed yet (NFQA_SKB_CSUMNOTREADY), so it is not looked at. */
enum packet_refusal packet_read(const uint8_t *packet, size_t len, bool partial,
				struct segment *ret_segment);

/* The Internet checksum (RFC 1071): sums bytes onto `sum`; only the last piece may be odd. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);
/* of the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1) for len bytes of TCP */
uint64_t checksum_pseudo(const struct addr *src, const struct addr *dst, size_t len);
/* to be stored as it is, in network order; 0 if the sum covered a right checksum */
uint16_t checksum_end(uint64_t sum);
