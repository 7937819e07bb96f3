/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "portal/form.h"

static struct form form;

static int parse(const char *text)
{
	return form_parse(text, strlen(text), &form);
}

static void test_fields(void **state)
{
	static const struct {
		const char *text, *name, *value;
	} rows[] = {
		{"a=1", "a", "1"},
		{"a=1&b=2", "b", "2"},
		{"a=1&&b=2&", "b", "2"},
		{"accept", "accept", ""},
		{"accept=", "accept", ""},
		{"a=b=c", "a", "b=c"},
		{"a=x+y%20z%2B", "a", "x y z+"},
		{"%61=%C3%A4", "a", "\xc3\xa4"},
		{"to=http%3A%2F%2Fexample.org%2F%3Fq%3D1%262", "to", "http://example.org/?q=1&2"},
		{"a=1", "A", NULL},
		{"", "a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text), 0);
		const char *value = form_get(&form, rows[i].name);

		if (!rows[i].value)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].value);
	}
}

static void test_malformed(void **state)
{
	static const char *const rows[] = {
		"a=%",	    "a=%4",	"a=%zz",       "a=%00", "a=%0a",
		"a=\x01",   "a=1&a=2",	"a&%61",       "=1",	"a=%ff",
		"a=%c3",    "a=%c0%af", "a=%ed%a0%80", "a=%7f", "a=%f4%90%80%80",
		"ok=1&b=%", "%=1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i]), -EINVAL);
		assert_int_equal(form.count, 0);
	}
	assert_int_equal(form_parse("a\0b=1", 5, &form), -EINVAL);
}

static void test_limits(void **state)
{
	char text[FORM_SIZE_MAX + 2];
	size_t at = 0;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(form_parse(text, FORM_SIZE_MAX + 1, &form), -E2BIG);
	assert_int_equal(form_parse(text, FORM_NAME_MAX + 1, &form), -E2BIG);
	assert_int_equal(form_parse(text, FORM_NAME_MAX, &form), 0);
	text[1] = '=';
	assert_int_equal(form_parse(text, FORM_VALUE_MAX + 2, &form), 0);
	assert_int_equal(form_parse(text, FORM_VALUE_MAX + 3, &form), -E2BIG);
	for (int i = 0; i <= FORM_FIELDS_MAX; i++) {
		text[at++] = (char)('a' + i);
		text[at++] = '&';
		assert_int_equal(form_parse(text, at, &form), i < FORM_FIELDS_MAX ? 0 : -E2BIG);
	}
	/* as full as it gets */
	at = 0;
	for (int i = 0; i < FORM_FIELDS_MAX; i++) {
		size_t len = FORM_SIZE_MAX / FORM_FIELDS_MAX;

		memset(text + at, 'v', len);
		text[at] = (char)('a' + i);
		text[at + 1] = '=';
		text[at + len - 1] = '&';
		at += len;
	}
	assert_int_equal(form_parse(text, FORM_SIZE_MAX, &form), 0);
	assert_int_equal(form.count, FORM_FIELDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
