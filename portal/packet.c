/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

#include "portal/packet.h"

enum { IP_OFFSET_AND_MORE = 0x3fff, MSS_OPTION_BYTES = 4 };

_Static_assert(sizeof(struct iphdr) == PACKET_IP4_HEADER, "RFC 791");
_Static_assert(sizeof(struct ip6_hdr) == PACKET_IP6_HEADER, "RFC 8200");
_Static_assert(sizeof(struct tcphdr) == PACKET_TCP_HEADER, "RFC 9293");

/* Ones' complement: what is carried out at one end comes in at the other. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = add_word(sum, word);
	}
	if (len == 0) /* data may be NULL */
		return sum;
	word = 0;
	memcpy(&word, at, len);
	return add_word(sum, word);
}

uint64_t checksum_pseudo(const struct addr *src, const struct addr *dst, size_t len)
{
	const size_t n = src->family == 4 ? 4 : 16;
	const uint32_t rest[2] = {htonl((uint32_t)len), htonl(IPPROTO_TCP)};

	return checksum_add(checksum_add(checksum_add(0, src->b, n), dst->b, n), rest,
			    sizeof(rest));
}

uint16_t checksum_end(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* One host, reachable through a router: RFC 1122, 3.2.1.3; RFC 4291, 2.4 */
static bool is_unicast(const struct addr *addr)
{
	static const uint8_t zeroes[16], loopback[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (addr->family == 4)
		return addr->b[0] != 0 && addr->b[0] != 127 && addr->b[0] < 224;
	return addr->b[0] != 0xff && memcmp(addr->b, zeroes, 16) != 0 &&
	       memcmp(addr->b, loopback, 16) != 0 && memcmp(addr->b, mapped, 12) != 0;
}

/* Where TCP begins and what it measures. */
struct payload {
	const uint8_t *at;
	size_t len;
};

static enum packet_refusal read_ip4(const uint8_t *packet, size_t len, struct segment *s,
				    struct payload *ret_payload)
{
	struct iphdr ip;

	if (len < sizeof(ip))
		return PACKET_TRUNCATED;
	memcpy(&ip, packet, sizeof(ip));
	const size_t header = ip.ihl * 4u, total = ntohs(ip.tot_len);

	if (header < sizeof(ip) || total < header || total > len)
		return PACKET_TRUNCATED;
	if (checksum_end(checksum_add(0, packet, header)) != 0)
		return PACKET_CHECKSUM;
	if (ntohs(ip.frag_off) & IP_OFFSET_AND_MORE)
		return PACKET_FRAGMENT;
	if (ip.protocol != IPPROTO_TCP)
		return PACKET_NO_TCP;
	s->src.family = s->dst.family = 4;
	memcpy(s->src.b, &ip.saddr, 4);
	memcpy(s->dst.b, &ip.daddr, 4);
	s->ip_len = total;
	*ret_payload = (struct payload){packet + header, total - header};
	return PACKET_FINE;
}

/* RFC 8200, 4: options and a used-up routing header (RFC 5095: not type 0) are stepped over. */
static enum packet_refusal skip_extensions(uint8_t next, struct payload *p)
{
	for (int i = 0; next != IPPROTO_TCP; i++) {
		if (next == IPPROTO_FRAGMENT)
			return PACKET_FRAGMENT;
		if (next != IPPROTO_DSTOPTS && next != IPPROTO_ROUTING &&
		    !(next == IPPROTO_HOPOPTS && i == 0))
			return next == IPPROTO_HOPOPTS || next == IPPROTO_AH ? PACKET_EXTENSION
									     : PACKET_NO_TCP;
		if (i >= PACKET_EXTENSIONS_MAX)
			return PACKET_EXTENSION;
		if (p->len < 8)
			return PACKET_TRUNCATED;
		const size_t size = (p->at[1] + 1u) * 8;

		if (size > p->len)
			return PACKET_TRUNCATED;
		if (next == IPPROTO_ROUTING && (p->at[2] == 0 || p->at[3] != 0))
			return PACKET_EXTENSION;
		next = p->at[0];
		p->at += size;
		p->len -= size;
	}
	return PACKET_FINE;
}

static enum packet_refusal read_ip6(const uint8_t *packet, size_t len, struct segment *s,
				    struct payload *ret_payload)
{
	struct ip6_hdr ip;

	if (len < sizeof(ip))
		return PACKET_TRUNCATED;
	memcpy(&ip, packet, sizeof(ip));
	const size_t rest = ntohs(ip.ip6_plen);

	if (rest > len - sizeof(ip))
		return PACKET_TRUNCATED;
	s->src.family = s->dst.family = 6;
	memcpy(s->src.b, &ip.ip6_src, 16);
	memcpy(s->dst.b, &ip.ip6_dst, 16);
	s->ip_len = sizeof(ip) + rest;
	*ret_payload = (struct payload){packet + sizeof(ip), rest};
	return skip_extensions(ip.ip6_nxt, ret_payload);
}

/* Options that make no sense end the reading: nothing but the MSS is wanted. */
static uint16_t find_mss(const uint8_t *options, size_t len)
{
	for (size_t i = 0; i < len && options[i] != TCPOPT_EOL;) {
		if (options[i] == TCPOPT_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || options[i + 1] < 2 || options[i + 1] > len - i)
			break;
		if (options[i] == TCPOPT_MAXSEG && options[i + 1] == MSS_OPTION_BYTES)
			return (uint16_t)(options[i + 2] << 8 | options[i + 3]);
		i += options[i + 1];
	}
	return 0;
}

/* SYN, RST and FIN exclude each other, and all but the first SYN and a RST carry an ACK. */
static bool flags_make_sense(uint8_t flags)
{
	switch (flags & (TH_SYN | TH_RST | TH_FIN)) {
	case TH_SYN:
		return !(flags & TH_ACK);
	case TH_RST:
		return true;
	case TH_FIN:
	case 0:
		return flags & TH_ACK;
	default:
		return false;
	}
}

static enum packet_refusal read_tcp(const struct payload *p, bool partial, struct segment *s)
{
	struct tcphdr tcp;

	if (p->len < sizeof(tcp))
		return PACKET_TRUNCATED;
	memcpy(&tcp, p->at, sizeof(tcp));
	const size_t header = tcp.doff * 4u;

	if (header < sizeof(tcp) || header > p->len)
		return PACKET_TRUNCATED;
	if (!partial && checksum_end(checksum_add(checksum_pseudo(&s->src, &s->dst, p->len), p->at,
						  p->len)) != 0)
		return PACKET_CHECKSUM;
	s->src.port = ntohs(tcp.source);
	s->dst.port = ntohs(tcp.dest);
	s->seq = ntohl(tcp.seq);
	s->ack = ntohl(tcp.ack_seq);
	s->flags = tcp.th_flags;
	s->window = ntohs(tcp.window);
	s->mss = find_mss(p->at + sizeof(tcp), header - sizeof(tcp));
	s->data = p->at + header;
	s->len = p->len - header;
	if (s->src.port == 0 || s->dst.port == 0)
		return PACKET_PORT;
	return flags_make_sense(s->flags) ? PACKET_FINE : PACKET_FLAGS;
}

enum packet_refusal packet_read(const uint8_t *packet, size_t len, bool partial,
				struct segment *ret_segment)
{
	struct segment s = {0};
	struct payload payload;
	enum packet_refusal r = PACKET_NO_IP;

	if (len == 0)
		return PACKET_TRUNCATED;
	if (packet[0] >> 4 == 4)
		r = read_ip4(packet, len, &s, &payload);
	else if (packet[0] >> 4 == 6)
		r = read_ip6(packet, len, &s, &payload);
	if (r != PACKET_FINE)
		return r;
	if (!is_unicast(&s.src) || !is_unicast(&s.dst) || addr_equal(&s.src, &s.dst))
		return PACKET_ADDRESS;
	r = read_tcp(&payload, partial, &s);
	if (r == PACKET_FINE)
		*ret_segment = s;
	return r;
}
