/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/output.h"

static int start(void **state)
{
	(void)state;
	setenv("LC_ALL", "C", 1);
	output_init();
	return 0;
}

static void test_bytes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{999, "999 B"},
		{1000, "1.0 kB"},
		{1234, "1.2 kB"},
		{12345678, "12.3 MB"},
		{99949999, "99.9 MB"},
		{99950001, "100 MB"},
		{123456789, "123 MB"},
		{999499999, "999 MB"},
		{999500000, "1.0 GB"},
		{999999, "1.0 MB"},
		{1000000000000, "1.0 TB"},
		{UINT64_MAX, "18.4 EB"},
	};
	char text[UNIT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(output_bytes(cases[i].bytes, text), cases[i].text);
}

static void test_count(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {
		{0, "0"},
		{999, "999"},
		{1000, "1,000"},
		{99998, "99,998"},
		{100000, "100,000"},
		{1234567, "1,234,567"},
		{UINT64_MAX, "18,446,744,073,709,551,615"},
	};
	char text[UNIT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(output_count(cases[i].count, text), cases[i].text);
}

static void test_clean(void **state)
{
	static const struct {
		const char *text;
		unsigned int columns;
		const char *clean;
		unsigned int width;
	} cases[] = {
		{"", 0, "", 0},
		{"plain", 0, "plain", 5},
		{"plain", 5, "plain", 5},
		{"plain", 4, "pla\xe2\x80\xa6", 4},
		{"plain", 1, "\xe2\x80\xa6", 1},
		{"a\nb\x1b[2J\x7f", 0, "a?b?[2J?", 8},
		{"a\xc2\x9b", 0, "a?", 2},
		{"\xc3", 0, "?", 1},
		{"\xff\xfe\xed\xa0\x80x", 0, "?????x", 6},
		/* two columns each; a letter with a combining one */
		{"\xe5\xae\xa2\xe5\xae\xa4", 0, "\xe5\xae\xa2\xe5\xae\xa4", 4},
		{"\xe5\xae\xa2\xe5\xae\xa4", 3, "\xe5\xae\xa2\xe2\x80\xa6", 3},
		{"\xe5\xae\xa2\xe5\xae\xa4", 2, "\xe2\x80\xa6", 1},
		{"e\xcc\x81x", 2, "e\xcc\x81x", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *clean = output_clean(cases[i].text, cases[i].columns);

		assert_string_equal(clean, cases[i].clean);
		assert_int_equal(output_width(clean), cases[i].width);
		free(clean);
	}
}

static const struct column columns[] = {{"NAME", false, 0}, {"SIZE", true, 0}, {"NOTE", false, 6}};

static char *print(const char *const *cells, size_t count)
{
	struct table *table = table_create(columns, 3);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	for (size_t i = 0; i < count; i++)
		table_add(table, i == 1 ? COLOUR_RED : COLOUR_NONE, cells[i]);
	table_print(table, out);
	fclose(out);
	table_destroy(table);
	return text;
}

static const char *const cells[] = {"a", "1", "", "\xe5\xae\xa2", "12345", "a\nlonger note",
				    "",	 "",  "x"};

static void test_table(void **state)
{
	char *text;

	(void)state;
	output_set_colours(false);
	text = print(cells, 9);
	assert_string_equal(text, "NAME   SIZE  NOTE\n"
				  "a         1\n"
				  "\xe5\xae\xa2    12345  a?lon\xe2\x80\xa6\n"
				  "             x\n");
	free(text);
	text = print(cells, 0);
	assert_string_equal(text, "NAME  SIZE  NOTE\n");
	free(text);
}

static void test_colours(void **state)
{
	char *text;

	(void)state;
	output_set_colours(true);
	text = print(cells, 3);
	output_set_colours(false);
	assert_string_equal(text, "\033[1mNAME\033[0m  \033[1mSIZE\033[0m  \033[1mNOTE\033[0m\n"
				  "a        \033[31m1\033[0m\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	cmocka_unit_test(test_count),
		cmocka_unit_test(test_clean),	cmocka_unit_test(test_table),
		cmocka_unit_test(test_colours),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
