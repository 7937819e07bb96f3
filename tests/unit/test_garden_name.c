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

#include "common/garden_name.h"

static struct garden parse(const char *text)
{
	char bad[GARDEN_TEXT_MAX];
	struct garden g;

	assert_int_equal(garden_parse(text, &g, bad), 0);
	assert_true(garden_valid(&g));
	return g;
}

static void test_entries(void **state)
{
	static const struct {
		const char *text, *name;
		uint8_t below, protocol;
		uint16_t port;
		uint32_t count;
	} cases[] = {
		{"example.org", "example.org", 0, 0, 0, 1},
		{"Www.Example.ORG", "www.example.org", 0, 0, 0, 1},
		{"*.example.org", "example.org", 1, 0, 0, 1},
		{"*.example.org:443/tcp", "example.org", 1, IPPROTO_TCP, 443, 1},
		{"example.org:443", "example.org", 0, IPPROTO_TCP, 443, 2},
		{"a-b.xn--bcher-kva.example:123/udp", "a-b.xn--bcher-kva.example", 0, IPPROTO_UDP,
		 123, 1},
		{"_x.4.org", "_x.4.org", 0, 0, 0, 1},
		{"dead.beef", "dead.beef", 0, 0, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct garden g = parse(cases[i].text);
		const struct garden_name *n = &g.names[0];

		print_message("%s\n", cases[i].text);
		assert_int_equal(g.name_count, cases[i].count);
		assert_int_equal(g.count, 0);
		assert_string_equal(n->name, cases[i].name);
		assert_int_equal(n->below, cases[i].below);
		assert_int_equal(n->protocol, cases[i].protocol);
		assert_int_equal(n->port, cases[i].port);
		if (g.name_count == 2)
			assert_int_equal(g.names[1].protocol, IPPROTO_UDP);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {"example",
					    "*",
					    "*.",
					    "*.example",
					    "*.*.example.org",
					    "w*.example.org",
					    ".example.org",
					    "example.org.",
					    "example..org",
					    "-a.example.org",
					    "a-.example.org",
					    "example.o-",
					    "b\xc3\xbc.example",
					    "exa mple.org:x",
					    "example.org:0",
					    "example.org:80-443",
					    "example.org/tcp",
					    "example.org:80/sctp",
					    "[example.org]:80",
					    "example.org/24",
					    "1.2.3.4.5",
					    "example.4",
					    "http://example.org"};
	char bad[GARDEN_TEXT_MAX], text[GARDEN_TEXT_MAX];
	struct garden g;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i]);
		assert_int_equal(garden_parse(cases[i], &g, bad), -EINVAL);
	}
	/* a label of 64 bytes; a name of 254, and one of 253 */
	memset(text, 'a', sizeof(text));
	memcpy(text + 64, ".org", 5);
	assert_int_equal(garden_parse(text, &g, bad), -EINVAL);
	parse(text + 1);
	memset(text, 'a', sizeof(text));
	for (size_t i = 50; i < 254; i += 51)
		text[i] = '.';
	text[254] = '\0';
	assert_int_equal(garden_parse(text, &g, bad), -EINVAL);
	parse(text + 1);
}

static void test_overlaps(void **state)
{
	static const struct {
		const char *text;
		int r;
	} cases[] = {
		{"example.org example.org", -EEXIST},
		{"example.org EXAMPLE.org:80/tcp", -EEXIST},
		{"example.org:80 example.org", -EEXIST},
		{"example.org:80/tcp example.org:80/udp", 0},
		{"example.org:80 example.org:443", 0},
		{"example.org *.example.org www.example.org", 0},
	};
	char bad[GARDEN_TEXT_MAX];
	struct garden g;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].text);
		assert_int_equal(garden_parse(cases[i].text, &g, bad), cases[i].r);
	}
}

/* The hosts of a certificate have room of their own, and come once. */
static void test_hosts_and_limits(void **state)
{
	char text[GARDEN_NAMES_MAX * 32] = "", hosts[GARDEN_NAMES_MAX * 32] = "",
				     bad[GARDEN_TEXT_MAX];
	struct garden g = parse("ocsp.example:80/tcp crl.example");

	(void)state;
	garden_add_hosts(&g, NULL);
	assert_int_equal(g.name_count, 2);
	garden_add_hosts(&g,
			 " ocsp.example:80/tcp ocsp.example:443/tcp crl.example:80/tcp nothing");
	assert_int_equal(g.name_count, 3);
	assert_true(garden_valid(&g));
	for (int i = 0; i < GARDEN_NAMES_MAX; i++) {
		if (i < GARDEN_NAMES_OWN)
			snprintf(text + strlen(text), 32, "h%d.example.org ", i);
		snprintf(hosts + strlen(hosts), 32, " c%d.example.org:80/tcp", i);
	}
	g = parse(text);
	assert_int_equal(g.name_count, GARDEN_NAMES_OWN);
	garden_add_hosts(&g, hosts);
	assert_int_equal(g.name_count, GARDEN_NAMES_MAX);
	assert_true(garden_valid(&g));
	strcat(text, "one.more.example");
	assert_int_equal(garden_parse(text, &g, bad), -E2BIG);
	assert_string_equal(bad, "one.more.example");
}

static void test_sum(void **state)
{
	const struct garden a = parse("a.example.org b.example.org"), b = parse("a.example.org"),
			    c = parse("a.example.org *.b.example.org"),
			    d = parse("192.0.2.1 A.example.org b.example.org");

	(void)state;
	assert_int_not_equal(garden_names_sum(&a), garden_names_sum(&b));
	assert_int_not_equal(garden_names_sum(&a), garden_names_sum(&c));
	assert_int_equal(garden_names_sum(&a), garden_names_sum(&d));
}

static void test_invalid(void **state)
{
	const struct garden fine = parse("example.org:80/tcp");
	struct garden g = fine;

	(void)state;
	g.name_count = GARDEN_NAMES_MAX + 1;
	assert_false(garden_valid(&g));
	g = fine;
	g.names[0].protocol = 0;
	assert_false(garden_valid(&g));
	g = fine;
	g.names[0].port = 0;
	assert_false(garden_valid(&g));
	g = fine;
	g.names[0].below = 2;
	assert_false(garden_valid(&g));
	g = fine;
	g.names[0].name[0] = 'E';
	assert_false(garden_valid(&g));
	g = fine;
	memset(g.names[0].name, 'a', sizeof(g.names[0].name));
	assert_false(garden_valid(&g));
	g = fine;
	g.names[0].name[sizeof(g.names[0].name) - 1] = 'x';
	assert_false(garden_valid(&g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),	 cmocka_unit_test(test_refused),
		cmocka_unit_test(test_overlaps), cmocka_unit_test(test_hosts_and_limits),
		cmocka_unit_test(test_sum),	 cmocka_unit_test(test_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
