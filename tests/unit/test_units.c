/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "portal/colour.h"
#include "portal/units.h"

static void test_duration(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *days, *hours, *minutes, *rest;
	} rows[] = {
		{0, "", "", "", "0"},
		{59, "", "", "", "59"},
		{60, "", "", "1", ""},
		{119, "", "", "1", ""},
		{3600, "", "1", "", ""},
		{3660, "", "1", "1", ""},
		{86399, "", "23", "59", ""},
		{86400, "1", "", "", ""},
		{86460, "1", "", "", ""},
		{90000, "1", "1", "", ""},
		{315360000, "3650", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct duration d;

		units_duration(rows[i].seconds, &d);
		assert_string_equal(d.days, rows[i].days);
		assert_string_equal(d.hours, rows[i].hours);
		assert_string_equal(d.minutes, rows[i].minutes);
		assert_string_equal(d.seconds, rows[i].rest);
	}
}

static void test_bytes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *number, *unit;
	} rows[] = {
		{0, "0", "B"},
		{999, "999", "B"},
		{1000, "1.0", "kB"},
		{1550, "1.5", "kB"},
		{99999, "99.9", "kB"},
		{100000, "100", "kB"},
		{999999, "999", "kB"},
		{1000000, "1.0", "MB"},
		{1234567890, "1.2", "GB"},
		{UINT64_MAX, "18.4", "EB"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct amount a;

		units_bytes(rows[i].bytes, &a);
		assert_string_equal(a.number, rows[i].number);
		assert_string_equal(a.unit, rows[i].unit);
	}
}

static void test_colour_text(void **state)
{
	static const char *const bad[] = {"",	     "#12345",	"#1234567", "123456#",
					  "#12345g", "#-12345", "# 1 2 3"};
	struct colour c;
	char text[COLOUR_TEXT_MAX];

	(void)state;
	assert_int_equal(colour_parse("#1F5fbf", &c), 0);
	assert_string_equal(colour_format(c, text), "#1f5fbf");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(colour_parse(bad[i], &c), -EINVAL);
}

/* Over a grid of all colours: text on the accent and links on either card read. */
static void test_contrast(void **state)
{
	const struct colour light = {255, 255, 255}, dark = {0x1d, 0x20, 0x26}, black = {0, 0, 0};

	(void)state;
	assert_true(colour_contrast(light, black) > 20.99);
	assert_true(colour_contrast(black, black) < 1.01);
	for (int i = 0; i < 17 * 17 * 17; i++) {
		struct colour c = {(uint8_t)(i % 17 * 15), (uint8_t)(i / 17 % 17 * 15),
				   (uint8_t)(i / 289 * 15)};

		assert_true(colour_contrast(c, colour_ink(c)) >= 4.5);
		assert_true(colour_contrast(colour_readable(c, light), light) >= 4.5);
		assert_true(colour_contrast(colour_readable(c, dark), dark) >= 4.5);
		if (colour_contrast(c, light) >= 4.5)
			assert_memory_equal(&c, &(struct colour[]){colour_readable(c, light)},
					    sizeof(c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_colour_text),
		cmocka_unit_test(test_contrast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
