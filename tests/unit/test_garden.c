/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/garden.h"

static void test_entries(void **state)
{
	static const struct {
		const char *text, *net;
		uint8_t prefix, protocol;
		uint16_t first, last;
		uint32_t count;
	} cases[] = {
		{"192.0.2.7", "192.0.2.7", 32, 0, 0, 65535, 1},
		{"192.0.2.0/24", "192.0.2.0", 24, 0, 0, 65535, 1},
		{"192.0.2.0/24/udp", "192.0.2.0", 24, IPPROTO_UDP, 0, 65535, 1},
		{"192.0.2.7:443/tcp", "192.0.2.7", 32, IPPROTO_TCP, 443, 443, 1},
		{"192.0.2.0/24:80-443", "192.0.2.0", 24, IPPROTO_TCP, 80, 443, 2},
		{"2001:db8::1", "2001:db8::1", 128, 0, 0, 65535, 1},
		{"2001:db8::/32", "2001:db8::", 32, 0, 0, 65535, 1},
		{"[2001:db8::1]", "2001:db8::1", 128, 0, 0, 65535, 1},
		{"[2001:db8::/33]:80-443/tcp", "2001:db8::", 33, IPPROTO_TCP, 80, 443, 1},
		{"[2001:db8::1]:53/udp", "2001:db8::1", 128, IPPROTO_UDP, 53, 53, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char bad[GARDEN_TEXT_MAX], net[ADDR_TEXT_MAX];
		struct garden g;

		print_message("%s\n", cases[i].text);
		assert_int_equal(garden_parse(cases[i].text, &g, bad), 0);
		assert_true(garden_valid(&g));
		assert_int_equal(g.count, cases[i].count);
		assert_string_equal(addr_format(&g.entries[0].net, net), cases[i].net);
		assert_int_equal(g.entries[0].prefix, cases[i].prefix);
		assert_int_equal(g.entries[0].protocol, cases[i].protocol);
		assert_int_equal(g.entries[0].port_first, cases[i].first);
		assert_int_equal(g.entries[0].port_last, cases[i].last);
		if (g.count == 2)
			assert_int_equal(g.entries[1].protocol, IPPROTO_UDP);
	}
}

static void test_lists(void **state)
{
	static const struct {
		const char *text, *bad;
		int r;
		uint32_t count;
	} cases[] = {
		{"none", "", 0, 0},
		{"", "", 0, 0},
		{" \t192.0.2.1  2001:db8::1 ", "", 0, 2},
		{"192.0.2.0/25 192.0.2.128/25", "", 0, 2},
		{"192.0.2.1:80 192.0.2.1:443", "", 0, 4},
		{"192.0.2.1:80/tcp 192.0.2.1:80/udp", "", 0, 2},
		{"192.0.2.1 ::c000:201", "", 0, 2},
		{"192.0.2.1 none", "none", -EINVAL, 0},
		{"192.0.2.0/24 192.0.2.7:443/tcp", "192.0.2.7:443/tcp", -EEXIST, 0},
		{"192.0.2.7:443/tcp 192.0.2.0/24", "192.0.2.0/24", -EEXIST, 0},
		{"192.0.2.7:80-443 192.0.2.7:443/udp", "192.0.2.7:443/udp", -EEXIST, 0},
		{"2001:db8::1 2001:db8::/32", "2001:db8::/32", -EEXIST, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char bad[GARDEN_TEXT_MAX] = "";
		struct garden g = {0};

		print_message("%s\n", cases[i].text);
		assert_int_equal(garden_parse(cases[i].text, &g, bad), cases[i].r);
		assert_int_equal(g.count, cases[i].count);
		if (cases[i].r < 0)
			assert_string_equal(bad, cases[i].bad);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"example",
		"192.0.2",
		"192.0.2.1/24",
		"192.0.2.0/33",
		"192.0.2.0/",
		"0.0.0.0/0",
		"::/0",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:443-80",
		"192.0.2.1:80-",
		"192.0.2.1:80/icmp",
		"192.0.2.1:-80",
		"192.0.2.1:80;",
		"2001:db8::1/129",
		"[2001:db8::1",
		"[2001:db8::1]80",
		"[192.0.2.1]:80",
		"[]:80",
		"2001:db8::1/32",
		"[2001:db8::]:80/24",
		"192.0.2.1:000080",
		"/tcp",
		"192.0.2.1:80-90-99",
		":80",
	};
	char bad[GARDEN_TEXT_MAX], longest[3 * GARDEN_TEXT_MAX];
	struct garden g;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i]);
		assert_int_equal(garden_parse(cases[i], &g, bad), -EINVAL);
		assert_string_equal(bad, cases[i]);
	}
	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(garden_parse(longest, &g, bad), -EINVAL);
	assert_int_equal(strlen(bad), GARDEN_TEXT_MAX - 1);
}

static void test_limit(void **state)
{
	char text[GARDEN_MAX * 16 + 16] = "", bad[GARDEN_TEXT_MAX];
	struct garden g;

	(void)state;
	for (int i = 0; i < GARDEN_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "192.0.2.%d ", i);
	assert_int_equal(garden_parse(text, &g, bad), 0);
	assert_int_equal(g.count, GARDEN_MAX);
	g.count++;
	assert_false(garden_valid(&g));
	strcat(text, "192.0.3.1");
	assert_int_equal(garden_parse(text, &g, bad), -E2BIG);
	assert_string_equal(bad, "192.0.3.1");
}

/* What an engine that was taken over might send to the gate. */
static void test_invalid(void **state)
{
	char bad[GARDEN_TEXT_MAX];
	struct garden fine, g;

	(void)state;
	assert_int_equal(garden_parse("192.0.2.0/24:80/tcp 198.51.100.0/24", &fine, bad), 0);
	assert_true(garden_valid(&fine));
	g = fine;
	g.entries[0].net.family = 5;
	assert_false(garden_valid(&g));
	g = fine;
	g.entries[0].prefix = 0;
	assert_false(garden_valid(&g));
	g = fine;
	g.entries[0].prefix = 33;
	assert_false(garden_valid(&g));
	g = fine;
	g.entries[0].protocol = IPPROTO_ICMP;
	assert_false(garden_valid(&g));
	g = fine;
	g.entries[0].port_last = 79;
	assert_false(garden_valid(&g));
	g = fine;
	g.entries[1].port_first = 1;
	assert_false(garden_valid(&g));
	g = fine;
	g.entries[1] = g.entries[0];
	assert_false(garden_valid(&g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
