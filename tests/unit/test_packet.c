/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "portal/packet.h"
#include "tests/unit/fake_packet.h"

enum { CUT = 16 /* changes of one row */ };

static size_t make(bool ip6, uint8_t packet[static FAKE_PACKET_MAX])
{
	static const uint8_t data[3] = "abc";
	struct fake_tcp tcp = {
		.ip6 = ip6,
		.src = {192, 0, 2, 10},
		.dst = {198, 51, 100, 5},
		.src_port = 40000,
		.dst_port = 80,
		.seq = 1,
		.flags = 2,
		.mss = 1400,
		.window = 500,
		.data = data,
		.len = sizeof(data),
	};

	if (ip6) {
		memcpy(tcp.src, (const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 10}, 16);
		memcpy(tcp.dst, (const uint8_t[16]){0x20, 1, 0xd, 0xb8, 1, [15] = 5}, 16);
	}
	return fake_write(&tcp, packet);
}

static void test_fine(void **state)
{
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	for (int ip6 = 0; ip6 < 2; ip6++) {
		const size_t len = make(ip6, packet);

		assert_int_equal(packet_read(packet, len, false, &s), PACKET_FINE);
		assert_int_equal(s.src.family, ip6 ? 6 : 4);
		assert_int_equal(s.src.b[ip6 ? 15 : 3], 10);
		assert_int_equal(s.dst.b[ip6 ? 15 : 3], 5);
		assert_int_equal(s.src.port, 40000);
		assert_int_equal(s.dst.port, 80);
		assert_int_equal(s.seq, 1);
		assert_int_equal(s.window, 500);
		assert_int_equal(s.mss, 1400);
		assert_int_equal(s.ip_len, len);
		assert_int_equal(s.len, 3);
		assert_memory_equal(s.data, "abc", 3);
		/* an Ethernet frame's padding */
		assert_int_equal(packet_read(packet, len + 6, false, &s), PACKET_FINE);
		assert_int_equal(s.len, 3);
	}
}

/* Every shorter piece is refused. */
static void test_truncated(void **state)
{
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	for (int ip6 = 0; ip6 < 2; ip6++) {
		const size_t len = make(ip6, packet);

		for (size_t n = 0; n < len; n++)
			assert_int_equal(packet_read(packet, n, false, &s), PACKET_TRUNCATED);
	}
}

/* Bytes set in a good packet; then the checksums are made right. */
static void test_refused(void **state)
{
	static const struct {
		bool ip6;
		enum packet_refusal wanted;
		struct {
			size_t at;
			uint8_t value;
		} set[CUT];
	} rows[] = {
		{false, PACKET_NO_IP, {{0, 0x55}}},
		{false, PACKET_TRUNCATED, {{0, 0x44}}}, /* header length */
		{false, PACKET_TRUNCATED, {{3, 19}}},	/* total length */
		{false, PACKET_TRUNCATED, {{3, 200}}},
		{false, PACKET_FINE, {{6, 0x40}}},     /* don't fragment */
		{false, PACKET_FRAGMENT, {{6, 0x20}}}, /* more fragments */
		{false, PACKET_FRAGMENT, {{7, 0x01}}}, /* offset */
		{false, PACKET_NO_TCP, {{9, 17}}},
		{false, PACKET_ADDRESS, {{12, 224}}}, /* source: multicast */
		{false, PACKET_ADDRESS, {{12, 127}}},
		{false, PACKET_ADDRESS, {{12, 0}}},
		{false, PACKET_ADDRESS, {{12, 255}, {13, 255}, {14, 255}, {15, 255}}},
		{false, PACKET_ADDRESS, {{16, 239}}}, /* destination: multicast */
		{false, PACKET_ADDRESS, {{16, 255}, {17, 255}, {18, 255}, {19, 255}}},
		{false, PACKET_ADDRESS, {{16, 192}, {17, 0}, {18, 2}, {19, 10}}}, /* to itself */
		{false, PACKET_PORT, {{20, 0}, {21, 0}}},
		{false, PACKET_PORT, {{22, 0}, {23, 0}}},
		{false, PACKET_TRUNCATED, {{32, 4 << 4}}}, /* data offset */
		{false, PACKET_TRUNCATED, {{32, 15 << 4}}},
		{false, PACKET_FLAGS, {{33, 0x03}}},
		{false, PACKET_FINE, {{33, 0xc2}}},   /* a SYN with ECN */
		{true, PACKET_TRUNCATED, {{5, 200}}}, /* payload length */
		{true, PACKET_TRUNCATED, {{5, 0}}},   /* a jumbogram's */
		{true, PACKET_NO_TCP, {{6, 58}}},
		{true, PACKET_NO_TCP, {{6, 59}}},
		{true, PACKET_NO_TCP, {{6, 50}}},
		{true, PACKET_EXTENSION, {{6, 51}}}, /* authentication */
		{true, PACKET_FRAGMENT, {{6, 44}}},
		{true, PACKET_ADDRESS, {{8, 0xff}}},
		{true, PACKET_ADDRESS, {{24, 0xff}}},
		{true, PACKET_ADDRESS, {{24, 0}, {25, 0}, {26, 0}, {27, 0}, {28, 0}, {39, 1}}},
		{true, PACKET_ADDRESS, {{8, 0}, {9, 0}, {10, 0}, {11, 0}, {23, 0}}},
		{true,
		 PACKET_ADDRESS,
		 {{8, 0}, {9, 0}, {10, 0}, {11, 0}, {18, 255}, {19, 255}, {20, 192}, {21, 168}}},
		{true, PACKET_ADDRESS, {{28, 0}, {39, 10}}}, /* to itself */
	};
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t len = make(rows[i].ip6, packet);

		for (size_t k = 0; k < CUT && rows[i].set[k].at + rows[i].set[k].value; k++)
			packet[rows[i].set[k].at] = rows[i].set[k].value;
		if ((packet[0] & 0xf) != 4)
			fake_mend(packet, len, 0);
		const enum packet_refusal r = packet_read(packet, len, false, &s);

		if (r != rows[i].wanted)
			fail_msg("row %zu: %d", i, (int)r);
	}
}

/* One wrong bit anywhere is noticed; partial checksums are nobody's business. */
static void test_checksum(void **state)
{
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	for (int ip6 = 0; ip6 < 2; ip6++) {
		const size_t len = make(ip6, packet), tcp = ip6 ? 40 : 20;

		for (size_t i = ip6 ? 8 : 0; i < len; i++) {
			packet[i] ^= 0x10;
			assert_int_not_equal(packet_read(packet, len, false, &s), PACKET_FINE);
			packet[i] ^= 0x10;
		}
		packet[tcp + 16] ^= 1;
		assert_int_equal(packet_read(packet, len, false, &s), PACKET_CHECKSUM);
		assert_int_equal(packet_read(packet, len, true, &s), PACKET_FINE);
		if (!ip6) {
			packet[10] ^= 1;
			assert_int_equal(packet_read(packet, len, true, &s), PACKET_CHECKSUM);
		}
	}
}

/* 20 more bytes of IPv4 options */
static void test_ip4_options(void **state)
{
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	const size_t len = make(false, packet);

	memmove(packet + 40, packet + 20, len - 20);
	memset(packet + 20, 1, 20);
	packet[0] = 0x4a;
	packet[3] = (uint8_t)(len + 20);
	fake_mend(packet, len + 20, 0);
	assert_int_equal(packet_read(packet, len + 20, false, &s), PACKET_FINE);
	assert_int_equal(s.len, 3);
	assert_int_equal(s.ip_len, len + 20);
}

static void test_extensions(void **state)
{
	/* the headers' types in order, each of eight bytes whose third and fourth are these */
	static const struct {
		const char *types;
		uint8_t third, fourth;
		enum packet_refusal wanted;
	} rows[] = {
		{"\x3c", 1, 0, PACKET_FINE},	  /* destination options */
		{"\x2b", 2, 0, PACKET_FINE},	  /* routing, used up */
		{"\x2b", 2, 1, PACKET_EXTENSION}, /* segments left */
		{"\x2b", 0, 0, PACKET_EXTENSION}, /* type 0 */
		{"\x3c\x2b\x3c", 1, 0, PACKET_FINE},
		{"\x3c\x2c", 1, 0, PACKET_FRAGMENT},
		{"\x3c\x33", 1, 0, PACKET_EXTENSION},
		{"\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c", 1, 0, PACKET_FINE},
		{"\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c", 1, 0, PACKET_EXTENSION},
	};
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t count = strlen(rows[i].types), more = 8 * count;
		const size_t len = make(true, packet);

		memmove(packet + 40 + more, packet + 40, len - 40);
		memset(packet + 40, 0, more);
		packet[6] = (uint8_t)rows[i].types[0];
		for (size_t k = 0; k < count; k++) {
			uint8_t *h = packet + 40 + 8 * k;

			h[0] = k + 1 < count ? (uint8_t)rows[i].types[k + 1] : 6;
			h[2] = rows[i].third;
			h[3] = rows[i].fourth;
		}
		packet[5] = (uint8_t)(len - 40 + more);
		fake_mend(packet, len + more, more);
		if (packet_read(packet, len + more, false, &s) != rows[i].wanted)
			fail_msg("row %zu", i);
		/* a header that is longer than the packet */
		packet[41] = 255;
		assert_int_not_equal(packet_read(packet, len + more, false, &s), PACKET_FINE);
	}
}

/* Hop-by-hop options stand first or nowhere. */
static void test_hop_by_hop(void **state)
{
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	const size_t len = make(true, packet);

	memmove(packet + 56, packet + 40, len - 40);
	memset(packet + 40, 0, 16);
	packet[5] = (uint8_t)(len - 40 + 16);
	packet[6] = 0;
	packet[40] = 60;
	packet[48] = 6;
	fake_mend(packet, len + 16, 16);
	assert_int_equal(packet_read(packet, len + 16, false, &s), PACKET_FINE);
	packet[6] = 60;
	packet[40] = 0;
	assert_int_equal(packet_read(packet, len + 16, false, &s), PACKET_EXTENSION);
}

static void test_mss(void **state)
{
	/* four bytes of options */
	static const struct {
		uint8_t options[4];
		unsigned int mss;
	} rows[] = {
		{{2, 4, 5, 0xb4}, 1460}, {{1, 1, 1, 1}, 0}, {{0, 2, 4, 5}, 0}, {{1, 2, 4, 5}, 0},
		{{2, 0, 5, 0xb4}, 0},	 {{2, 3, 5, 1}, 0}, {{2, 1, 2, 4}, 0}, {{3, 3, 7, 2}, 0},
	};
	uint8_t packet[FAKE_PACKET_MAX];
	struct segment s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t len = make(false, packet);

		memcpy(packet + 40, rows[i].options, 4);
		fake_mend(packet, len, 0);
		assert_int_equal(packet_read(packet, len, false, &s), PACKET_FINE);
		assert_int_equal(s.mss, rows[i].mss);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fine),	    cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_ip4_options), cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_hop_by_hop),  cmocka_unit_test(test_mss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
