/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/probe.h"

static void test_patterns(void **state)
{
	static const char *const good[] = {"*/", "*/*", "a/", "a.b-c_d/x", "*.a/b*", "a/%20~;=@"};
	static const char *const bad[] = {"",	    "a",     "/",    "*",     "**/a",
					  "a*/b",   "*a/b",  "*./b", ".a/b",  "a./b",
					  "*..a/b", "a/b*c", "a/**", "a/b?c", "a/#",
					  "a b/c",  "a:80/", "a/\"", "[::1]/"};
	char text[PROBE_TEXT_MAX + 1] = "a/";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(probe_is_pattern(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(probe_is_pattern(bad[i]));
	memset(text + 2, 'x', PROBE_TEXT_MAX - 2);
	assert_false(probe_is_pattern(text));
	text[PROBE_TEXT_MAX - 1] = '\0';
	assert_true(probe_is_pattern(text));
	memset(text, 'x', 254);
	text[254] = '/';
	assert_false(probe_is_pattern(text));
	assert_true(probe_is_pattern(text + 1));
}

static void test_matches(void **state)
{
	static const struct {
		const char *pattern, *host, *path;
		bool wanted;
	} rows[] = {
		{"*/a", "", "/a", true},	{"*/a", "x", "/a", true},
		{"*/a", "x", "/A", false},	{"*/a", "x", "/ab", false},
		{"*/a", "x", "/", false},	{"*/a", "x", "", false},
		{"*/*", "", "", false},		{"*/a*", "x", "/a", true},
		{"*/a*", "x", "/ab/c", true},	{"x.y/", "X.Y", "/", true},
		{"x.y/", "", "/", false},	{"x.y/", "ax.y", "/", false},
		{"*.x.y/", "a.x.y", "/", true}, {"*.x.y/", "a.b.X.y", "/", true},
		{"*.x.y/", "x.y", "/", false},	{"*.x.y/", ".x.y", "/", false},
		{"*.x.y/", "ax.y", "/", false}, {"*.x.y/", "y", "/", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(probe_matches(rows[i].pattern, rows[i].host, strlen(rows[i].host),
					       rows[i].path, strlen(rows[i].path)),
				 rows[i].wanted);
}

static void test_split(void **state)
{
	char list[] = " \ta/b  c/d\t", none[] = " ", many[2 * (PROBES_MAX + 1) + 1];
	const char *patterns[PROBES_MAX];

	(void)state;
	assert_int_equal(probe_split(list, patterns), 2);
	assert_string_equal(patterns[0], "a/b");
	assert_string_equal(patterns[1], "c/d");
	assert_int_equal(probe_split(none, patterns), 0);
	for (size_t i = 0; i < sizeof(many) - 1; i++)
		many[i] = i % 2 ? ' ' : 'x';
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(probe_split(many, patterns), PROBES_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
