/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nft/ruleset.h"

static struct gate_zone zone(const char *name, const char *interface)
{
	struct gate_zone z = {.portal_port = 2050,
			      .divert_port = 2051,
			      .tls_port = 2443,
			      .connection_limit = 20,
			      .connection_ceiling = 1500,
			      .packet_ceiling = 10000,
			      .dns_limit = 30,
			      .refuse_limit = 40};

	snprintf(z.name, sizeof(z.name), "%s", name);
	snprintf(z.interface, sizeof(z.interface), "%s", interface);
	return z;
}

static void test_valid_names(void **state)
{
	static const struct {
		const char *name, *interface;
		bool valid;
	} cases[] = {
		{"guest", "br-guest", true}, {"rt", "eth0.12", true},	{"A-9", "veth1@x", true},
		{"", "br0", false},	     {"a_b", "br0", false},	{"a b", "br0", false},
		{"a;flush", "br0", false},   {"guest", "", false},	{"guest", "br\"0", false},
		{"guest", "br 0", false},    {"guest", "br\n0", false}, {"guest", "br*", false},
		{"guest", "br\\0", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gate_zone z = zone(cases[i].name, cases[i].interface);

		if (ruleset_zone_valid(&z) != cases[i].valid)
			fail_msg("\"%s\" on \"%s\"", cases[i].name, cases[i].interface);
	}
	struct gate_zone endless = zone("guest", "br0");

	memset(endless.name, 'a', sizeof(endless.name));
	assert_false(ruleset_zone_valid(&endless));
	struct gate_zone no_port = zone("guest", "br0");

	no_port.divert_port = 0;
	assert_false(ruleset_zone_valid(&no_port));
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
		n++;
	return n;
}

static void test_render(void **state)
{
	const struct gate_zone zones[] = {zone("guest", "br-guest"), zone("rt", "br-two")};
	const bool present[] = {true, false};
	const struct ruleset_globals globals = {.mark = 0x800000, .egress = true};
	struct opened opened[2] = {0};
	struct ruleset rs = {0};
	char *text = NULL, *egress = NULL;

	(void)state;
	assert_int_equal(ruleset_init(&rs, PORTAL_NFT), 0);
	assert_int_equal(ruleset_render(&rs, zones, opened, present, 2, &globals, &text), 0);
	assert_int_equal(count(text, "chain z_guest_forward {"), 1);
	assert_int_equal(count(text, "chain z_rt_forward {"), 1);
	assert_int_equal(count(text, "chain z_guest_egress {"), 1);
	assert_int_equal(count(text, "chain z_rt_egress {"), 0);
	/* connections to the portal and to the garden */
	assert_int_equal(count(text, "limit rate over 20/second burst 100 packets"), 4);
	assert_int_equal(count(text, "limit rate over 30/second burst 150 packets"), 2);
	assert_int_equal(count(text, "limit rate over 40/second burst 200 packets"), 2);
	/* of the ceiling of 1500, a third for calm times and the rest for storms */
	assert_int_equal(count(text, "limit rate 500/second burst 1000 packets"), 2);
	assert_int_equal(count(text, "limit rate over 1000/second burst 2000 packets"), 4);
	/* no word is left, no comment either */
	assert_int_equal(count(text, "$"), 0);
	assert_int_equal(count(text, "ZONE"), 0);
	assert_int_equal(count(text, "INTERFACE"), 0);
	assert_int_equal(count(text, "#"), 0);
	assert_int_equal(ruleset_render_egress(&rs, &zones[1], &globals, &egress), 0);
	assert_int_equal(count(egress, "device \"br-two\""), 1);
	assert_int_equal(count(egress, "chain z_rt_egress {"), 1);
	free(text);
	free(egress);
	ruleset_finish(&rs);
}

/* Nothing of the netdev family, and answers alone towards guests. */
static void test_no_egress(void **state)
{
	const struct gate_zone guest = zone("guest", "br-guest");
	const struct ruleset_globals globals = {.mark = 0x800000};
	const bool present = true;
	struct opened opened = {0};
	struct ruleset rs = {0};
	char *text = NULL;

	(void)state;
	assert_int_equal(ruleset_init(&rs, PORTAL_NFT), 0);
	assert_int_equal(ruleset_render(&rs, &guest, &opened, &present, 1, &globals, &text), 0);
	assert_int_equal(count(text, "netdev"), 0);
	assert_int_equal(count(text, "egress"), 0);
	assert_int_equal(count(text, "_down"), 0);
	assert_int_equal(count(text, "goto z_guest_opened"), 1);
	assert_int_equal(count(text, "\t\tct mark set ct mark | 0x00800000\n"), 1);
	assert_int_equal(count(text, "ct direction reply ct mark & 0x00800000 == 0x00800000"), 1);
	assert_int_equal(count(text, "chain z_guest_towards {"), 1);
	assert_int_equal(count(text, "chain z_guest_back {"), 1);
	assert_int_equal(count(text, "$"), 0);
	free(text);
	ruleset_finish(&rs);
}

/* A zone asks for what its garden has, and for nothing else. */
static void test_gardens(void **state)
{
	const struct ruleset_globals globals = {.mark = 0x800000, .egress = true};
	const bool present = true;
	struct opened opened = {0};
	struct ruleset rs = {0};

	(void)state;
	assert_int_equal(ruleset_init(&rs, PORTAL_NFT), 0);
	for (unsigned int kind = 0; kind < 8; kind++) {
		const size_t addresses = kind & 1, names = kind >> 1 & 1;
		struct gate_zone z = zone("guest", "br-guest");
		char *text = NULL;

		z.divert = kind & 4 ? DIVERT_QUEUE : DIVERT_REDIRECT;
		z.garden.count = addresses;
		z.garden.name_count = names;
		assert_int_equal(ruleset_render(&rs, &z, &opened, &present, 1, &globals, &text), 0);
		assert_int_equal(count(text, "daddr . meta l4proto . th dport @z_guest_garden"),
				 4 * addresses);
		assert_int_equal(count(text, "saddr . meta l4proto . th sport @z_guest_garden"),
				 2 * addresses);
		assert_int_equal(count(text, "daddr @z_guest_names"), 4 * names);
		assert_int_equal(count(text, "saddr . meta l4proto . th sport @z_guest_ports"),
				 2 * names);
		assert_int_equal(count(text, "$"), 0);
		free(text);
	}
	ruleset_finish(&rs);
}

static void test_broken_file(void **state)
{
	char path[] = "/tmp/test_ruleset.XXXXXX";
	struct ruleset rs = {0};
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	(void)state;
	fputs("table inet portald { }\n#: each zone\n", f);
	fclose(f);
	assert_int_equal(ruleset_init(&rs, path), -EINVAL);
	remove(path);
	assert_int_equal(ruleset_init(&rs, path), -ENOENT);
	assert_null(rs.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_names), cmocka_unit_test(test_render),
		cmocka_unit_test(test_no_egress),   cmocka_unit_test(test_gardens),
		cmocka_unit_test(test_broken_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
