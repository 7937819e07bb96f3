/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that send: small UDP packets from each in turn, IPv4 from one and IPv6 from the next, as fast
 * as the interface takes them.  The frames are made beforehand, so that sending them is all that is
 * done.
 *
 *   sender INTERFACE GATEWAY-MAC TARGET4 TARGET6 GUESTS SECONDS
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "tests/bench/guests.h"
#include "tests/bench/namespace.h"
#include "tests/bench/wire.h"

enum {
	DATA = 18,
	FRAME_ROOM = 80,
	PORT = 7007,
	BURST = 64,
	ETHER = 14,
	IP4 = 20,
	IP6 = 40,
	UDP = 8
};

struct frame {
	size_t len;
	uint8_t bytes[FRAME_ROOM];
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum(const uint8_t *at, size_t len, uint32_t start)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		start += (uint32_t)at[i] << 8 | at[i + 1];
	return start;
}

static uint32_t fold(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return ~value & 0xffff;
}

static void write_udp(uint8_t *at)
{
	put16(at, PORT);
	put16(at + 2, PORT);
	put16(at + 4, UDP + DATA);
}

static size_t write_ip4(uint8_t *at, const struct addr *from, const struct addr *to)
{
	at[0] = 0x45;
	put16(at + 2, IP4 + UDP + DATA);
	at[8] = 64;
	at[9] = IPPROTO_UDP;
	memcpy(at + 12, from->b, 4);
	memcpy(at + 16, to->b, 4);
	put16(at + 10, fold(sum(at, IP4, 0)));
	write_udp(at + IP4); /* no checksum is fine (RFC 768) */
	return IP4 + UDP + DATA;
}

static size_t write_ip6(uint8_t *at, const struct addr *from, const struct addr *to)
{
	at[0] = 0x60;
	put16(at + 4, UDP + DATA);
	at[6] = IPPROTO_UDP;
	at[7] = 64;
	memcpy(at + 8, from->b, 16);
	memcpy(at + 24, to->b, 16);
	write_udp(at + IP6);
	const uint32_t pseudo = sum(at + 8, 32, IPPROTO_UDP + UDP + DATA);

	put16(at + IP6 + 6, fold(sum(at + IP6, UDP + DATA, pseudo)));
	return IP6 + UDP + DATA;
}

static void write_frame(struct frame *f, uint32_t number, const struct mac *gateway,
			const struct addr to[2])
{
	static const struct guests guests = {
		.net = {{.family = 4, .b = {10, 64, 0, 0}},
			{.family = 6, .b = {0x20, 0x01, 0x0d, 0xb8, 0, 0x64}}}};
	const bool six = number % 2;
	struct addr from;
	struct mac mac;

	guest_mac(number, &mac);
	guest_addr(&guests, number, six ? 6 : 4, &from);
	memcpy(f->bytes, gateway->b, MAC_LEN);
	memcpy(f->bytes + MAC_LEN, mac.b, MAC_LEN);
	put16(f->bytes + 12, six ? 0x86dd : 0x0800);
	f->len = ETHER + (six ? write_ip6 : write_ip4)(f->bytes + ETHER, &from, &to[six]);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void send_all(struct wire *wire, const struct frame *frames, size_t count, uint64_t seconds)
{
	const uint64_t end = now_ns() + seconds * 1000000000;

	for (size_t i = 0; now_ns() < end;) {
		for (int n = 0; n < BURST; n++, i = i + 1 < count ? i + 1 : 0) {
			memcpy(wire_room(wire), frames[i].bytes, frames[i].len);
			wire_send(wire, frames[i].len);
		}
		wire_flush(wire);
	}
}

int main(int argc, char **argv)
{
	struct addr to[2] = {{.family = 4}, {.family = 6}};
	const char *wrong = NULL;
	struct wire *wire;
	struct mac gateway;

	if (argc != 7 || mac_parse(argv[2], &gateway) < 0 ||
	    inet_pton(AF_INET, argv[3], to[0].b) != 1 ||
	    inet_pton(AF_INET6, argv[4], to[1].b) != 1) {
		fputs("usage: sender INTERFACE GATEWAY-MAC TARGET4 TARGET6 GUESTS SECONDS\n",
		      stderr);
		return 2;
	}
	const size_t count = (size_t)strtonum(argv[5], 1, GUESTS_MAX, &wrong);
	const uint64_t seconds = wrong ? 0 : (uint64_t)strtonum(argv[6], 1, 3600, &wrong);

	if (wrong || !namespace_is_made()) {
		fprintf(stderr, "sender: %s\n",
			wrong ? wrong : "runs only in a network namespace made for it");
		return 3;
	}
	CLEANUP(cleanup_free) struct frame *frames = calloc(count, sizeof(*frames));
	int r = frames ? wire_open(argv[1], &wire) : -1;

	if (r < 0) {
		fprintf(stderr, "sender: %s: %s\n", argv[1], strerror(-r));
		return 3;
	}
	for (size_t i = 0; i < count; i++)
		write_frame(&frames[i], (uint32_t)i, &gateway, to);
	send_all(wire, frames, count, seconds);
	struct wire_counts counts;

	wire_counts(wire, &counts);
	printf("%llu\n", (unsigned long long)counts.sent);
	wire_close(wire);
	return 0;
}
