/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/duration.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t seconds;
	} cases[] = {
		{"90s", 0, 90},
		{"30m", 0, 1800},
		{"8h", 0, 28800},
		{"7d", 0, 604800},
		{"1h30m", 0, 5400},
		{"1h 30m", 0, 5400},
		{"1d2h3m4s", 0, 93784},
		{"0s", 0, 0},
		{"4294967295s", 0, UINT32_MAX},
		{"", -EINVAL, 0},
		{"8", -EINVAL, 0},
		{"h", -EINVAL, 0},
		{"8 h", -EINVAL, 0},
		{" 8h", -EINVAL, 0},
		{"8h ", -EINVAL, 0},
		{"8H", -EINVAL, 0},
		{"8w", -EINVAL, 0},
		{"-8h", -EINVAL, 0},
		{"1.5h", -EINVAL, 0},
		{"30m1h", -EINVAL, 0},
		{"1h1h", -EINVAL, 0},
		{"1s5", -EINVAL, 0},
		{"4294967296s", -ERANGE, 0},
		{"99999999999999999999999s", -ERANGE, 0},
		{"49711d", -ERANGE, 0},
		{"4294967295s1s", -EINVAL, 0},
		{"1m4294967295s", -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t seconds = 12345;

		if (duration_parse(cases[i].text, &seconds) != cases[i].result ||
		    seconds != (cases[i].result ? 12345 : cases[i].seconds))
			fail_msg("\"%s\": %ju", cases[i].text, (uintmax_t)seconds);
	}
}

static void test_format(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {
		{0, "0s"},	   {59, "59s"},
		{60, "1m"},	   {61, "1m 1s"},
		{3599, "59m 59s"}, {3600, "1h"},
		{3659, "1h"},	   {4980, "1h 23m"},
		{28800, "8h"},	   {86399, "23h 59m"},
		{86400, "1d"},	   {90061, "1d 1h"},
		{604800, "7d"},	   {UINT64_MAX, "213503982334601d 7h"},
	};
	char text[DURATION_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(duration_format(cases[i].seconds, text), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
