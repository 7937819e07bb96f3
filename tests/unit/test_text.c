/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/text.h"
#include "common/text_buffer.h"

static void test_decode(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t character;
	} cases[] = {
		{"", 0, 0},
		{"a", 1, 'a'},
		{"\x7f", 1, 0x7f},
		{"\xc2\x80", 2, 0x80},
		{"\xdf\xbf", 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 0x800},
		{"\xed\x9f\xbf", 3, 0xd7ff},
		{"\xef\xbf\xbf", 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
		/* not UTF-8: lone, overlong, cut, a surrogate, too large */
		{"\x80", 0, 0},
		{"\xc0\xaf", 0, 0},
		{"\xc1\xbf", 0, 0},
		{"\xe0\x9f\xbf", 0, 0},
		{"\xf0\x8f\xbf\xbf", 0, 0},
		{"\xc3", 0, 0},
		{"\xc3\x28", 0, 0},
		{"\xe2\x82", 0, 0},
		{"\xf0\x9f\x98", 0, 0},
		{"\xed\xa0\x80", 0, 0},
		{"\xf4\x90\x80\x80", 0, 0},
		{"\xff", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t c = 0;

		if (text_decode(cases[i].text, &c) != cases[i].len || c != cases[i].character)
			fail_msg("case %zu: U+%04X", i, c);
	}
}

static void test_plain(void **state)
{
	(void)state;
	assert_true(text_is_plain(""));
	assert_true(text_is_plain("B\xc3\xbcro, room 12 \xe5\xae\xa2"));
	assert_false(text_is_plain("a\nb"));
	assert_false(text_is_plain("a\x1b[2J"));
	assert_false(text_is_plain("a\x7f"));
	assert_false(text_is_plain("a\xc2\x9b"));
	assert_true(text_is_plain("a\xc2\xa0"));
	assert_false(text_is_plain("a\xc3"));
}

static void test_span(void **state)
{
	(void)state;
	assert_int_equal(text_span("", "-"), 0);
	assert_int_equal(text_span("azAZ09-x", "-"), 8);
	assert_int_equal(text_span("azAZ09-x", ""), 6);
	/* the neighbours of letters and digits in ASCII, and what looks like them with a bit set otherwise */
	for (const char *c = "/:@[`{\x10\x19\x01\x1a\xe1\xc1\xb0"; *c; c++) {
		const char text[] = {'a', *c, 'a', '\0'};

		assert_int_equal(text_span(text, ""), 1);
	}
}

static void test_buffer(void **state)
{
	static const struct {
		uint64_t number;
		unsigned int digits;
		const char *wanted;
	} numbers[] = {
		{0, 0, "0"},	{0, 1, "0"},	 {7, 2, "07"},
		{10, 2, "10"},	{123, 2, "123"}, {UINT64_MAX, 1, "18446744073709551615"},
		{0, 4, "0000"},
	};
	char text[22];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct text_buffer b = text_begin(text, sizeof(text));

		text_add_number(&b, numbers[i].number, numbers[i].digits);
		text_end(&b);
		assert_string_equal(text, numbers[i].wanted);
		assert_false(b.cut);
	}

	/* whole pieces as long as they fit, and none behind one that does not */
	struct text_buffer b = {text, text + 4, false};

	text[4] = '!';
	text_add_string(&b, "abc");
	text_add_string(&b, "de");
	text_add_string(&b, "f");
	assert_true(b.cut);
	assert_ptr_equal(b.at, text + 3);
	assert_memory_equal(text, "abc", 3);
	assert_int_equal(text[4], '!');
	b = (struct text_buffer){text, text + 4, false};
	text_add_string(&b, "abcd");
	assert_false(b.cut);
	assert_int_equal(text[4], '!');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
