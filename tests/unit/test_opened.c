/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nft/opened.h"

static struct garden parse(const char *text)
{
	char bad[GARDEN_TEXT_MAX];
	struct garden g;

	assert_int_equal(garden_parse(text, &g, bad), 0);
	return g;
}

static struct addr address(unsigned int n)
{
	return (struct addr){.family = 4, .b = {192, 0, (uint8_t)(n >> 8), (uint8_t)n}};
}

static void test_ends(void **state)
{
	const struct garden g = parse("a.example.org b.example.org c.example.org:443/tcp");
	const struct addr one = address(1);
	struct opened o = {0};

	(void)state;
	assert_int_equal(opened_note(&o, &g, 0, &one, 2000, 0), 1);
	assert_int_equal(opened_note(&o, &g, 0, &one, 2000, 0), 0);
	assert_int_equal(opened_note(&o, &g, 1, &one, 1000, 0), 0);
	assert_int_equal(opened_note(&o, &g, 1, &one, 3000, 0), 1);
	assert_int_equal(opened_note(&o, &g, 0, &one, 2500, 0), 0);
	/* another element */
	assert_int_equal(opened_note(&o, &g, 2, &one, 1000, 0), 1);
	assert_int_equal(o.count, 3);
	/* two have ended */
	assert_int_equal(opened_note(&o, &g, 0, &one, 4000, 2500), 1);
	assert_int_equal(o.count, 2);
	opened_clear(&o);
	assert_int_equal(o.count, 0);
}

/* A name that has used up its share takes nothing from others, and gets room when some of it has ended. */
static void test_share(void **state)
{
	const struct garden g = parse("*.example.org a.example.org");
	struct opened o = {0};
	struct addr a;

	(void)state;
	for (unsigned int i = 0; i < OPENED_SHARE; i++) {
		a = address(i);
		assert_int_equal(opened_note(&o, &g, 0, &a, 1000 + i, 0), 1);
	}
	a = address(OPENED_SHARE);
	assert_int_equal(opened_note(&o, &g, 0, &a, 5000, 0), -ENOSPC);
	assert_int_equal(opened_note(&o, &g, 1, &a, 5000, 0), 1);
	a = address(1);
	assert_int_equal(opened_note(&o, &g, 0, &a, 5000, 0), 1);
	a = address(OPENED_SHARE);
	assert_int_equal(opened_note(&o, &g, 0, &a, 5000, 1000), 0);
	assert_int_equal(o.count, OPENED_SHARE + 1);
	opened_clear(&o);
}

static void test_follow(void **state)
{
	const struct garden
		old = parse("a.example.org b.example.org c.example.org:80/tcp"),
		fresh = parse(
			"c.example.org:80/tcp x.example.org b.example.org:80/tcp a.example.org");
	struct opened o = {0};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const struct addr a = address(i);

		opened_note(&o, &old, i, &a, 1000, 0);
	}
	opened_follow(&o, &old, &fresh);
	assert_int_equal(o.count, 2);
	assert_int_equal(o.each[0].name, 3);
	assert_int_equal(o.each[1].name, 0);
	assert_int_equal(o.each[1].port, 80);
	opened_clear(&o);
}

static void test_sort(void **state)
{
	const struct garden g =
		parse("a.example.org b.example.org c.example.org d.example.org:1/udp");
	const struct addr one = address(1), two = address(2);
	struct opened o = {0};

	(void)state;
	opened_note(&o, &g, 0, &two, 1000, 0);
	opened_note(&o, &g, 0, &one, 3000, 0);
	opened_note(&o, &g, 1, &one, 2000, 0);
	opened_note(&o, &g, 2, &one, 4000, 0);
	opened_note(&o, &g, 3, &one, 9000, 0);
	opened_sort(&o, 1500);
	assert_int_equal(o.count, 4);
	for (size_t i = 0; i < o.count; i++) {
		assert_memory_equal(&o.each[i].addr, &one, sizeof(one));
		assert_int_equal(opened_is_first(&o, i), i == 0 || i == 3);
	}
	assert_int_equal(o.each[0].end, 4000);
	assert_int_equal(o.each[3].end, 9000);
	opened_clear(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
