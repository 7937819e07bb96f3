// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP segments over IPv4 and IPv6: no IP options, no extension headers, no fragments, no VLAN tag.
 * That is all that a gateway's answer to a plain client may look like, so whatever differs is not
 * read.  Frames come from the program under test: every length is checked before it is used.
 */
#include <errno.h>
#include <string.h>

#include "tests/bench/packet.h"

enum {
	ETH_LEN = 14,
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	TCP_LEN = 20,
	TCP_PROTOCOL = 6,
	HOPS = 64,
};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* The Internet checksum (RFC 1071) of bytes, added to sum; not folded. */
static uint64_t sum_bytes(const uint8_t *p, size_t len, uint64_t sum)
{
	uint32_t word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, p, len);
	return sum + word;
}

/* In the byte order of memory. */
static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Of a TCP segment with its pseudo header (RFC 9293, 3.1); addresses stand one after the other. */
static uint16_t transport_sum(const uint8_t *addresses, size_t addresses_len, uint8_t protocol,
			      const uint8_t *data, size_t len)
{
	uint8_t tail[4] = {0, protocol, (uint8_t)(len >> 8), (uint8_t)len};
	uint64_t sum = sum_bytes(addresses, addresses_len, 0);

	return fold(sum_bytes(data, len, sum_bytes(tail, sizeof(tail), sum)));
}

static size_t addr_bytes(const struct addr *addr)
{
	return addr->family == 4 ? 4 : 16;
}

/* Ethernet and IP headers; the IP header's length, and where its two addresses are. */
static size_t headers_write(const struct segment *s, size_t payload, uint8_t *frame,
			    uint8_t **ret_addresses)
{
	uint8_t *ip = frame + ETH_LEN;

	memcpy(frame, s->to_mac.b, MAC_LEN);
	memcpy(frame + MAC_LEN, s->from_mac.b, MAC_LEN);
	put16(frame + 12, s->from.family == 4 ? ETH_IPV4 : ETH_IPV6);
	if (s->from.family == 6) {
		put32(ip, 0x60000000);
		put16(ip + 4, (uint16_t)payload);
		ip[6] = TCP_PROTOCOL;
		ip[7] = HOPS;
		*ret_addresses = ip + 8;
		return IPV6_LEN;
	}
	memset(ip, 0, IPV4_LEN);
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)(IPV4_LEN + payload));
	put16(ip + 6, 0x4000); /* do not fragment */
	ip[8] = HOPS;
	ip[9] = TCP_PROTOCOL;
	*ret_addresses = ip + 12;
	return IPV4_LEN;
}

size_t segment_write(const struct segment *s, uint8_t frame[static FRAME_MAX])
{
	size_t options = s->mss ? 4 : 0, tcp_len = TCP_LEN + options, bytes = addr_bytes(&s->from);
	uint8_t *addresses, *ip = frame + ETH_LEN, *tcp;
	uint16_t sum;

	tcp = ip + headers_write(s, tcp_len + s->len, frame, &addresses);
	memcpy(addresses, s->from.b, bytes);
	memcpy(addresses + bytes, s->to.b, bytes);
	if (s->from.family == 4) {
		sum = fold(sum_bytes(ip, IPV4_LEN, 0));
		memcpy(ip + 10, &sum, sizeof(sum));
	}
	put16(tcp, s->from.port);
	put16(tcp + 2, s->to.port);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(tcp_len / 4 << 4);
	tcp[13] = s->flags;
	put16(tcp + 14, s->window);
	put32(tcp + 16, 0); /* checksum, urgent pointer */
	if (options)
		put32(tcp + TCP_LEN, 0x02040000u | s->mss);
	if (s->len > 0)
		memcpy(tcp + tcp_len, s->data, s->len);
	sum = transport_sum(addresses, 2 * bytes, TCP_PROTOCOL, tcp, tcp_len + s->len);
	memcpy(tcp + 16, &sum, sizeof(sum));
	return (size_t)(tcp - frame) + tcp_len + s->len;
}

void addr_read(const uint8_t *p, uint8_t family, struct addr *ret_addr)
{
	*ret_addr = (struct addr){.family = family};
	memcpy(ret_addr->b, p, family == 4 ? 4 : 16);
}

/* The IP header: where the addresses and TCP begin, and how long TCP is. */
static int headers_read(const uint8_t *frame, size_t len, struct segment *s,
			const uint8_t **ret_addresses, const uint8_t **ret_tcp, size_t *ret_len)
{
	const uint8_t *ip = frame + ETH_LEN;
	uint16_t type = len >= ETH_LEN ? get16(frame + 12) : 0;
	size_t room = len - ETH_LEN, total, head = type == ETH_IPV4 ? IPV4_LEN : IPV6_LEN;
	uint8_t family = type == ETH_IPV4 ? 4 : 6;

	if (type != ETH_IPV4 && type != ETH_IPV6)
		return 1;
	if (room < head)
		return -EBADMSG;
	if (family == 4 ? ip[0] != 0x45 || ip[9] != TCP_PROTOCOL : ip[6] != TCP_PROTOCOL)
		return 1;
	total = family == 4 ? get16(ip + 2) : (size_t)get16(ip + 4) + IPV6_LEN;
	if (total < head + TCP_LEN || total > room)
		return -EBADMSG;
	if (family == 4 && fold(sum_bytes(ip, IPV4_LEN, 0)) != 0)
		return -EBADMSG;
	*ret_addresses = family == 4 ? ip + 12 : ip + 8;
	addr_read(*ret_addresses, family, &s->from);
	addr_read(*ret_addresses + addr_bytes(&s->from), family, &s->to);
	*ret_tcp = ip + head;
	*ret_len = total - head;
	return 0;
}

int segment_read(const uint8_t *frame, size_t len, bool verify, struct segment *ret_segment)
{
	struct segment s = {0};
	const uint8_t *addresses, *tcp;
	size_t tcp_len, head;
	int r = headers_read(frame, len, &s, &addresses, &tcp, &tcp_len);

	if (r != 0)
		return r;
	head = (size_t)(tcp[12] >> 4) * 4;
	if (head < TCP_LEN || head > tcp_len)
		return -EBADMSG;
	if (verify &&
	    transport_sum(addresses, 2 * addr_bytes(&s.from), TCP_PROTOCOL, tcp, tcp_len) != 0)
		return -EBADMSG;
	memcpy(s.to_mac.b, frame, MAC_LEN);
	memcpy(s.from_mac.b, frame + MAC_LEN, MAC_LEN);
	s.from.port = get16(tcp);
	s.to.port = get16(tcp + 2);
	s.seq = get32(tcp + 4);
	s.ack = get32(tcp + 8);
	s.flags = tcp[13];
	s.window = get16(tcp + 14);
	s.data = tcp + head;
	s.len = tcp_len - head;
	*ret_segment = s;
	return 0;
}
