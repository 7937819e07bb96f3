/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nft/garden_comment.h"

#define LABEL  "a123456789b123456789c123456789d123456789."
#define LONG   LABEL LABEL "e12345678901234567."	   /* 101 characters */
#define LONGER LABEL LABEL LABEL LABEL LABEL "example.org" /* too long for a comment */

static struct garden parse(const char *text)
{
	char bad[GARDEN_TEXT_MAX];
	struct garden g;

	assert_int_equal(garden_parse(text, &g, bad), 0);
	return g;
}

/* What one garden's gate writes, the next one reads with the same garden, wherever a name stands in it. */
static void test_there_and_back(void **state)
{
	const struct garden g = parse(
		"a.example.org *.a.example.org b.example.org:443/tcp b.example.org:443/udp " LONG
		"org *." LONG "org " LONGER " *." LONGER);
	struct garden turned = g;

	(void)state;
	assert_int_equal(g.name_count, 8);
	for (size_t i = 0; i < g.name_count; i++)
		turned.names[i] = g.names[g.name_count - 1 - i];
	for (size_t i = 0; i < g.name_count; i++) {
		const struct opened_address a = {.protocol = g.names[i].protocol,
						 .port = g.names[i].port,
						 .name = (uint8_t)i,
						 .end = UINT64_MAX - i};
		struct opened_address read = {.protocol = a.protocol, .port = a.port};
		char comment[COMMENT_MAX];

		garden_comment(comment, &g, &a);
		assert_null(strpbrk(comment, "\"\n")); /* it is nft's text as well */
		assert_true(garden_comment_read(comment, &turned, &read));
		assert_int_equal(read.name, g.name_count - 1 - i);
		assert_true(read.end == a.end);
	}
}

static void test_text(void **state)
{
	const struct garden g = parse("b.example.org *.a.example.org:443/tcp");
	const struct opened_address a = {.protocol = 6, .port = 443, .name = 1, .end = 86400123};
	char comment[COMMENT_MAX];

	(void)state;
	garden_comment(comment, &g, &a);
	assert_string_equal(comment, "*.a.example.org 86400123");
}

static void test_what_is_not_ours(void **state)
{
	const struct garden g = parse("a.example.org *.b.example.org b.example.org:443/tcp");
	static const struct {
		const char *comment;
		uint8_t protocol;
		uint16_t port;
		bool ours;
	} cases[] = {
		{"a.example.org 1000", 0, 0, true},
		{"*.b.example.org 1000", 0, 0, true},
		{"b.example.org 1000", 6, 443, true},
		/* another port, another protocol, another name */
		{"a.example.org 1000", 6, 443, false},
		{"b.example.org 1000", 0, 0, false},
		{"b.example.org 1000", 17, 443, false},
		{"b.example.org 1000", 6, 80, false},
		{"*.a.example.org 1000", 0, 0, false},
		{"c.example.org 1000", 0, 0, false},
		{"A.example.org 1000", 0, 0, false},
		/* other spellings */
		{"", 0, 0, false},
		{" ", 0, 0, false},
		{"a.example.org", 0, 0, false},
		{"a.example.org ", 0, 0, false},
		{"a.example.org 1000 ", 0, 0, false},
		{"a.example.org  1000", 0, 0, false},
		{"a.example.org +1000", 0, 0, false},
		{"a.example.org -1", 0, 0, false},
		{"a.example.org 01000", 0, 0, false},
		{"a.example.org 1000ms", 0, 0, false},
		{"a.example.org 99999999999999999999999", 0, 0, false},
		{"#01234567 1000", 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct opened_address a = {.protocol = cases[i].protocol, .port = cases[i].port};

		if (garden_comment_read(cases[i].comment, &g, &a) != cases[i].ours)
			fail_msg("\"%s\" %u %u", cases[i].comment, a.protocol, a.port);
		assert_int_equal(a.end, cases[i].ours ? 1000 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_what_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
