/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portal/head.h"

static void test_rows(void **state)
{
	static const struct {
		const char *text;
		enum head_state wanted;
		const char *method, *target, *host;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_READY, "GET", "/", "a"},
		{"GET / HTTP/1.1\nhost:a\n", HEAD_READY, "GET", "/", "a"},
		{"\r\n\r\nGET / HTTP/1.1\r\nHOST:\t a\r\n", HEAD_READY, "GET", "/", "a"},
		{"GET / HTTP/1.1\r\nX: y\r\n Host: z\r\nHost: a\r\nHost: b\r\n", HEAD_READY, "GET",
		 "/", "a"},
		{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", HEAD_READY, "GET", "/", NULL},
		{"GET / HTTP/1.1\r\nHost: a \r\n\r\n", HEAD_READY, "GET", "/", "a "},
		{"GET   /a b  HTTP/1.1\r\n\r\n", HEAD_READY, "GET", "/a b", NULL},
		{"CONNECT a:443 HTTP/1.1\r\n\r\n", HEAD_READY, "CONNECT", "a:443", NULL},
		{"OPTIONS * HTTP/1.0\r\n\r\n", HEAD_READY, "OPTIONS", "*", NULL},
		{"M!#$%&'*+-.^_`|~09az / HTTP/1.1\r\n\r\n", HEAD_READY, "M!#$%&'*+-.^_`|~09az", "/",
		 NULL},
		{"GET HTTP://b/ HTTP/1.1\r\n", HEAD_READY, "GET", "HTTP://b/", NULL},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HEAD_READY, "PRI", "*", NULL},
		{"", HEAD_PARTIAL, NULL, NULL, NULL},
		{"\r\n", HEAD_PARTIAL, NULL, NULL, NULL},
		{"GE", HEAD_PARTIAL, NULL, NULL, NULL},
		{"GET ", HEAD_PARTIAL, NULL, NULL, NULL},
		{"GET / HTTP/1.1", HEAD_PARTIAL, NULL, NULL, NULL},
		{"GET / HTTP/1.1\r", HEAD_PARTIAL, NULL, NULL, NULL},
		{"GET / HTTP/1.1\r\n", HEAD_PARTIAL, "GET", "/", NULL},
		{"GET / HTTP/1.1\r\nHost: a\r", HEAD_PARTIAL, "GET", "/", NULL},
		{"GET / HTTP/1.1\r\nHost: a.exam", HEAD_PARTIAL, "GET", "/", NULL},
		{"GET /\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"GET HTTP/1.1\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"GET  HTTP/1.1\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"GET / HTTP/1.1 \r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"GET / HTTP/11\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"GET / http/1.1\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{" GET / HTTP/1.1\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"GET\t/ HTTP/1.1\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"G\x01T / HTTP/1.1\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
		{"abcdefghijabcdefghijabcdefghijabc", HEAD_NONE, NULL, NULL, NULL},
		{"Cookie: a=b\r\n\r\n", HEAD_NONE, NULL, NULL, NULL},
	};
	struct head h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* of its exact size, so that a sanitizer sees who reads on */
		const size_t len = strlen(rows[i].text);
		uint8_t *data = malloc(len ? len : 1);

		assert_non_null(data);
		memcpy(data, rows[i].text, len);
		const enum head_state got = head_read(data, len, &h);

		free(data);
		if (got != rows[i].wanted)
			fail_msg("row %zu: %d", i, (int)got);
		if (got == HEAD_NONE)
			continue;
		assert_int_equal(!h.method, !rows[i].method);
		if (h.method) {
			assert_string_equal(h.method, rows[i].method);
			assert_string_equal(h.target, rows[i].target);
		}
		assert_int_equal(!h.host, !rows[i].host);
		if (h.host)
			assert_string_equal(h.host, rows[i].host);
	}
}

/* A NUL ends what can be read; what is in front of it is not forgotten. */
static void test_nul(void **state)
{
	static const char text[] = "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n";
	struct head h;

	(void)state;
	assert_int_equal(head_read((const uint8_t *)text, sizeof(text) - 1, &h), HEAD_PARTIAL);
	assert_null(h.method);
}

static void test_long(void **state)
{
	uint8_t text[HEAD_MAX + 100];
	struct head h;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(head_read(text, sizeof(text), &h), HEAD_NONE);
	memcpy(text, "GET /", 5);
	assert_int_equal(head_read(text, sizeof(text), &h), HEAD_READY);
	assert_int_equal(strlen(h.target), HEAD_MAX - 4);
	assert_int_equal(head_read(text, 4 + 512, &h), HEAD_PARTIAL);
	assert_int_equal(head_read(text, 4 + 513, &h), HEAD_READY);
	memcpy(text, "GET x", 5);
	assert_int_equal(head_read(text, 4 + 513, &h), HEAD_PARTIAL);
	assert_int_equal(head_read(text, sizeof(text), &h), HEAD_NONE);
	memcpy(text, "GET / HTTP/1.1\r\n", 16);
	assert_int_equal(head_read(text, HEAD_MAX - 1, &h), HEAD_PARTIAL);
	assert_int_equal(head_read(text, HEAD_MAX, &h), HEAD_READY);
	assert_null(h.host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
