/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "tests/unit/fake_packet.h"

enum { IP4 = 20, IP6 = 40, TCP = 20, PROTOCOL_TCP = 6 };

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* RFC 1071, byte by byte: 0xffff over bytes with a right checksum in them */
static unsigned int sum(unsigned int start, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		start += i % 2 ? data[i] : (unsigned int)data[i] << 8;
		if (start > 0xffff)
			start -= 0xffff;
	}
	return start;
}

static unsigned int sum_tcp(const uint8_t *packet, const uint8_t *tcp, size_t len)
{
	const uint8_t rest[4] = {(uint8_t)(len >> 8), (uint8_t)len, 0, PROTOCOL_TCP};
	const unsigned int addresses =
		packet[0] >> 4 == 4 ? sum(0, packet + 12, 8) : sum(0, packet + 8, 32);

	return sum(sum(addresses, rest, sizeof(rest)), tcp, len);
}

void fake_mend(uint8_t *packet, size_t len, size_t extensions)
{
	size_t header = IP6 + extensions;

	if (packet[0] >> 4 == 4) {
		header = (packet[0] & 0xf) * 4u;
		put16(packet + 10, 0);
		put16(packet + 10, 0xffff - sum(0, packet, header));
	}
	if (len >= header + TCP) {
		put16(packet + header + 16, 0);
		put16(packet + header + 16,
		      0xffff - sum_tcp(packet, packet + header, len - header));
	}
}

static void write_tcp(const struct fake_tcp *tcp, uint8_t *at)
{
	put16(at, tcp->src_port);
	put16(at + 2, tcp->dst_port);
	put32(at + 4, tcp->seq);
	put32(at + 8, tcp->ack);
	at[12] = tcp->mss ? 6 << 4 : 5 << 4;
	at[13] = tcp->flags;
	put16(at + 14, tcp->window);
	at += TCP;
	if (tcp->mss) {
		at[0] = 2;
		at[1] = 4;
		put16(at + 2, tcp->mss);
		at += 4;
	}
	if (tcp->len > 0)
		memcpy(at, tcp->data, tcp->len);
}

size_t fake_write(const struct fake_tcp *tcp, uint8_t ret_packet[static FAKE_PACKET_MAX])
{
	const size_t len = TCP + (tcp->mss ? 4 : 0) + tcp->len;
	const size_t header = tcp->ip6 ? IP6 : IP4;
	uint8_t *p = ret_packet;

	memset(p, 0, header + TCP);
	if (tcp->ip6) {
		p[0] = 0x60;
		put16(p + 4, (unsigned int)len);
		p[6] = PROTOCOL_TCP;
		p[7] = 64;
		memcpy(p + 8, tcp->src, 16);
		memcpy(p + 24, tcp->dst, 16);
	} else {
		p[0] = 0x45;
		put16(p + 2, (unsigned int)(header + len));
		p[8] = 64;
		p[9] = PROTOCOL_TCP;
		memcpy(p + 12, tcp->src, 4);
		memcpy(p + 16, tcp->dst, 4);
	}
	write_tcp(tcp, p + header);
	fake_mend(p, header + len, 0);
	return header + len;
}

static const char *read_tcp(const uint8_t *at, size_t len, struct fake_tcp *t)
{
	if (len < TCP || (at[12] != 5 << 4 && at[12] != 6 << 4) || len < (at[12] >> 4) * 4u)
		return "TCP header";
	t->src_port = (uint16_t)get16(at);
	t->dst_port = (uint16_t)get16(at + 2);
	t->seq = get32(at + 4);
	t->ack = get32(at + 8);
	t->flags = at[13];
	t->window = (uint16_t)get16(at + 14);
	if (at[12] == 6 << 4) {
		if (at[TCP] != 2 || at[TCP + 1] != 4)
			return "TCP options";
		t->mss = (uint16_t)get16(at + TCP + 2);
	}
	t->data = at + (at[12] >> 4) * 4u;
	t->len = len - (at[12] >> 4) * 4u;
	return NULL;
}

const char *fake_read(const uint8_t *p, size_t len, struct fake_tcp *ret_tcp)
{
	struct fake_tcp t = {.ip6 = p[0] >> 4 == 6};
	const size_t header = t.ip6 ? IP6 : IP4;

	if (len < header + TCP)
		return "length";
	if (t.ip6) {
		if (get16(p + 4) != len - IP6 || p[6] != PROTOCOL_TCP || p[7] < 2)
			return "IPv6 header";
		memcpy(t.src, p + 8, 16);
		memcpy(t.dst, p + 24, 16);
	} else {
		if (p[0] != 0x45 || get16(p + 2) != len || p[9] != PROTOCOL_TCP || p[8] < 2)
			return "IPv4 header";
		if (get16(p + 6) != 0x4000)
			return "fragment";
		if (sum(0, p, IP4) != 0xffff)
			return "IPv4 checksum";
		memcpy(t.src, p + 12, 4);
		memcpy(t.dst, p + 16, 4);
	}
	if (sum_tcp(p, p + header, len - header) != 0xffff)
		return "TCP checksum";
	const char *wrong = read_tcp(p + header, len - header, &t);

	if (!wrong)
		*ret_tcp = t;
	return wrong;
}
