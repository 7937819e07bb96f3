/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>

#include "portal/dns_packet.h"

enum {
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	UDP_HEADER = 8,
	TCP_HEADER = 20,
	TCP_LENGTH = 2, /* in front of a message over TCP */
	DNS_PORT = 53,
};

static size_t word(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* The rest of a packet, behind the headers read so far. */
struct rest {
	const uint8_t *data;
	size_t len;
	uint8_t protocol;
};

static bool read_ip4(const uint8_t *packet, size_t len, struct rest *ret_rest)
{
	if (len < IP4_HEADER)
		return false;
	const size_t header = (packet[0] & 0x0f) * 4U, whole = word(packet + 2);
	const bool fragment = word(packet + 6) & 0x3fff;

	if (header < IP4_HEADER || whole < header || whole > len || fragment)
		return false;
	*ret_rest = (struct rest){packet + header, whole - header, packet[9]};
	return true;
}

static bool read_ip6(const uint8_t *packet, size_t len, struct rest *ret_rest)
{
	if (len < IP6_HEADER)
		return false;
	const size_t payload = word(packet + 4);

	if (payload > len - IP6_HEADER)
		return false;
	*ret_rest = (struct rest){packet + IP6_HEADER, payload, packet[6]};
	return true;
}

static bool read_udp(const struct rest *rest, struct dns_message *ret_message)
{
	if (rest->len < UDP_HEADER || word(rest->data) != DNS_PORT)
		return false;
	const size_t len = word(rest->data + 4);

	if (len < UDP_HEADER || len > rest->len)
		return false;
	*ret_message = (struct dns_message){rest->data + UDP_HEADER, len - UDP_HEADER};
	return true;
}

static bool read_tcp(const struct rest *rest, struct dns_message *ret_message)
{
	if (rest->len < TCP_HEADER || word(rest->data) != DNS_PORT)
		return false;
	const size_t header = (rest->data[12] >> 4) * 4U;

	if (header < TCP_HEADER || rest->len < header + TCP_LENGTH)
		return false;
	const size_t len = rest->len - header - TCP_LENGTH;

	if (word(rest->data + header) != len)
		return false;
	*ret_message = (struct dns_message){rest->data + header + TCP_LENGTH, len};
	return true;
}

bool dns_packet_find(const uint8_t *packet, size_t len, struct dns_message *ret_message)
{
	struct rest rest;

	if (len == 0)
		return false;
	if (packet[0] >> 4 == 4 ? !read_ip4(packet, len, &rest)
				: packet[0] >> 4 != 6 || !read_ip6(packet, len, &rest))
		return false;
	return (rest.protocol == IPPROTO_UDP && read_udp(&rest, ret_message)) ||
	       (rest.protocol == IPPROTO_TCP && read_tcp(&rest, ret_message));
}
