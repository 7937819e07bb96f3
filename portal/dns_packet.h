/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DNS message in an IP packet that the gateway sends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_message {
	const uint8_t *data; /* points into the packet */
	size_t len;
};

/* packet: from the IP header on.  UDP, or a TCP segment that holds one message and nothing else (RFC 1035, 4.2.2), from port
 * 53.  False for everything else: fragments, extension headers, messages in parts. */
bool dns_packet_find(const uint8_t *packet, size_t len, struct dns_message *ret_message);
