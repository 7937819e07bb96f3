/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "portal/responder_answer.h"

enum { NOW = 784111777 };

static const struct addr v4 = {.family = 4, .b = {192, 0, 2, 1}};
static struct answer_zone zone = {.title = "Inn", .lang = "en", .dir = "ltr", .refresh = 10};

#define DATE "Connection: close\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define MORE                                                                                       \
	"Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"                    \
	"Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
#define LOGIN "HTTP/1.1 511 Network Authentication Required\r\n" DATE MORE

static const char *find(void *ctx, const char *file, size_t *ret_len)
{
	(void)ctx;
	(void)file;
	*ret_len = strlen("{{link}}");
	return "{{link}}";
}

static void test_bytes(void **state)
{
	static const struct {
		const char *hostname, *method, *target, *host, *wanted;
	} rows[] = {
		{NULL, "GET", "/", "a",
		 LOGIN "Content-Length: 35\r\n\r\nhttp://192.0.2.1/login?to=http://a/"},
		{NULL, "HEAD", "/", "a", LOGIN "Content-Length: 35\r\n\r\n"},
		{NULL, "GET", "", NULL, LOGIN "Content-Length: 22\r\n\r\nhttp://192.0.2.1/login"},
		{"wifi.example", "POST", "/", "a",
		 LOGIN "Content-Length: 25\r\n\r\nhttp://wifi.example/login"},
		{NULL, "GET", "/gen_204", "a",
		 "HTTP/1.1 302 Found\r\n" DATE MORE "Location: http://192.0.2.1/\r\n"
		 "Content-Length: 17\r\n\r\nhttp://192.0.2.1/"},
		/* for the portal itself */
		{"wifi.example", "GET", "/login", "WIFI.example",
		 "HTTP/1.1 302 Found\r\n" DATE "Cache-Control: no-store\r\n"
		 "Location: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"},
		{NULL, "HEAD", "http://192.0.2.1/login", "a",
		 "HTTP/1.1 302 Found\r\n" DATE "Cache-Control: no-store\r\n"
		 "Location: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"},
		{"wifi.example", "POST", "/login", "wifi.example",
		 LOGIN "Content-Length: 25\r\n\r\nhttp://wifi.example/login"},
	};
	struct responder_gateway gateway;
	struct link_target target;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct responder_request req = {.family = 4,
						      .method = rows[i].method,
						      .target = rows[i].target,
						      .host = rows[i].host};

		zone.hostname = rows[i].hostname;
		responder_gateway_init(&gateway, &zone, &v4);
		link_split(req.target, req.host, &target);
		int n = responder_answer(&req, &target, &zone, &gateway, NOW, text,
					 sizeof(text) - 1);

		assert_true(n > 0);
		text[n] = '\0';
		assert_string_equal(text, rows[i].wanted);
		/* it fits, or it is not written */
		assert_int_equal(
			responder_answer(&req, &target, &zone, &gateway, NOW, text, (size_t)n), n);
		assert_int_equal(
			responder_answer(&req, &target, &zone, &gateway, NOW, text, (size_t)n - 1),
			-E2BIG);
	}
}

int main(void)
{
	const struct template_source source = {answer_names, ANSWER_VALUES, find, NULL};
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes)};
	char error[TEMPLATE_ERROR_MAX];
	struct template *page;

	if (template_parse(&source, "page", &page, error) < 0)
		return 1;
	zone.page = page;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	template_destroy(page);
	return failed;
}
