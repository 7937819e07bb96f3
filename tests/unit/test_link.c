/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "portal/link.h"

static const struct addr v4 = {.family = 4, .b = {192, 0, 2, 1}};
static const struct addr v6 = {.family = 6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

static void test_split(void **state)
{
	static const struct {
		const char *target, *header, *host, *path, *query;
	} rows[] = {
		{"/", "example.org", "example.org", "/", NULL},
		{"/a?b=c", "example.org:8080", "example.org:8080", "/a", "b=c"},
		{"/a?", NULL, "", "/a", ""},
		{"http://example.org/x", "other", "example.org", "/x", NULL},
		{"HTTP://[2001:db8::1]:80/x?y", NULL, "[2001:db8::1]:80", "/x", "y"},
		{"http://example.org", NULL, "example.org", "", NULL},
		{"http://user@example.org/", NULL, "", "/", NULL},
		{"example.org:443", "example.org", "example.org", "", NULL},
		{"*", "example.org", "example.org", "", NULL},
		{"/", "exa mple", "", "/", NULL},
		{"/", "a\"><script>", "", "/", NULL},
		{"/", "[::1", "", "/", NULL},
		{"/", "[]", "", "/", NULL},
		{"/", "a:123456", "", "/", NULL},
		{"/", "a:80:80", "", "/", NULL},
		{"/", "a/b", "", "/", NULL},
	};
	struct link_target t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		link_split(rows[i].target, rows[i].header, &t);
		assert_string_equal(t.host, rows[i].host);
		assert_int_equal(t.path_len, strlen(rows[i].path));
		assert_memory_equal(t.path, rows[i].path, t.path_len);
		if (rows[i].query)
			assert_string_equal(t.query, rows[i].query);
		else
			assert_null(t.query);
	}
	link_split("/", "a!b", &t);
	assert_true(t.host_given);
	link_split("/", NULL, &t);
	assert_false(t.host_given);
}

static void test_is_portal(void **state)
{
	static const struct {
		const char *host, *hostname;
		const struct addr *local;
		bool wanted;
	} rows[] = {
		{"wifi.example", "wifi.example", &v4, true},
		{"WiFi.Example.:80", "wifi.example", &v4, true},
		{"wifi.example:", "wifi.example", &v4, true},
		{"wifi.example:8080", "wifi.example", &v4, false},
		{"wifi.example.org", "wifi.example", &v4, false},
		{"wifi.exampl", "wifi.example", &v4, false},
		{"192.0.2.1", NULL, &v4, true},
		{"192.0.2.1:80", "wifi.example", &v4, true},
		{"192.0.2.2", NULL, &v4, false},
		{"[2001:DB8::1]", NULL, &v6, true},
		{"[2001:db8:0::1]:80", NULL, &v6, true},
		{"2001:db8::1", NULL, &v6, false},
		{"[2001:db8::2]", NULL, &v6, false},
		{"wifi.example", NULL, &v4, false},
		{"", "wifi.example", &v4, false},
		{"", NULL, &v4, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(link_is_portal(rows[i].host, rows[i].hostname, rows[i].local),
				 rows[i].wanted);
}

static void test_hosts(void **state)
{
	(void)state;
	assert_true(link_is_address("192.0.2.7"));
	assert_true(link_is_address("192.0.2.7:8080"));
	assert_true(link_is_address("[2001:db8::7]"));
	assert_true(link_is_address("[2001:db8::7]:8080"));
	assert_false(link_is_address("example.org"));
	assert_false(link_is_address("192.0.2.7.example.org"));
	assert_false(link_is_address("3221225991"));
	assert_false(link_is_address(""));
	assert_true(link_is_hostname("wifi.example.org"));
	assert_false(link_is_hostname("wifi_x"));
	assert_false(link_is_hostname("a:80"));
	assert_false(link_is_hostname("-a"));
	assert_false(link_is_hostname(""));
}

static void test_origin(void **state)
{
	char text[LINK_ORIGIN_MAX];

	(void)state;
	link_origin("wifi.example", &v4, text);
	assert_string_equal(text, "http://wifi.example");
	link_origin(NULL, &v4, text);
	assert_string_equal(text, "http://192.0.2.1");
	link_origin(NULL, &v6, text);
	assert_string_equal(text, "http://[2001:db8::1]");
}

static void test_original(void **state)
{
	static const struct {
		const char *target, *host, *wanted;
	} rows[] = {
		{"/a?b=c&d=%20", "example.org", "http://example.org/a?b=c&d=%20"},
		{"http://example.org:81/", NULL, "http://example.org:81/"},
		{"/", NULL, ""},
		{"*", "example.org", ""},
		{"/\"><b>", "example.org", ""},
		{"/\xc3\xa4", "example.org", ""},
		{"/", "exa mple", ""},
		{"/hotspot-detect.html", "captive.apple.com", ""},
		{"/hotspot-detect.html", "Captive.Apple.com:80", ""},
	};
	struct link_target t;
	char url[LINK_TO_MAX], target[LINK_TO_MAX] = "/";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		link_split(rows[i].target, rows[i].host, &t);
		link_original(&t, url);
		assert_string_equal(url, rows[i].wanted);
	}
	memset(target + 1, 'x', LINK_TO_MAX - sizeof("http://h/"));
	link_split(target, "h", &t);
	link_original(&t, url);
	assert_int_equal(strlen(url), LINK_TO_MAX - 1);
	strcat(target, "x");
	link_original(&t, url);
	assert_string_equal(url, "");
}

static void test_web(void **state)
{
	static const char *const good[] = {"http://a/", "https://example.org",
					   "HTTPS://example.org:8443/x?y#z", "http://[::1]/",
					   "http://a?b"};
	static const char *const bad[] = {"",
					  "javascript:alert(1)",
					  "//example.org/",
					  "/x",
					  "http:///x",
					  "http://a b/",
					  "http://a/\"",
					  "http://a/<",
					  "http://a/'\n",
					  "ftp://a/",
					  "http://u:p@a/",
					  "http://a\\b/",
					  " http://a/",
					  "data:text/html,x",
					  "https:a"};
	char host[LINK_HOST_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(link_is_web(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(link_is_web(bad[i]));
	link_host("https://example.org:8443/x", host);
	assert_string_equal(host, "example.org:8443");
	link_host("nothing", host);
	assert_string_equal(host, "");
}

static void test_with_to(void **state)
{
	char text[LINK_LOGIN_MAX], origin[LINK_ORIGIN_MAX], url[LINK_TO_MAX];

	(void)state;
	link_with_to("http://p", "login", "", text);
	assert_string_equal(text, "http://p/login");
	link_with_to("", "", "", text);
	assert_string_equal(text, "/");
	link_with_to("", "login", "http://a/b?c=d&e=f g", text);
	assert_string_equal(text, "/login?to=http://a/b%3Fc%3Dd%26e%3Df%20g");
	memset(origin, 'o', sizeof(origin) - 1);
	memset(url, '%', sizeof(url) - 1);
	origin[sizeof(origin) - 1] = url[sizeof(url) - 1] = '\0';
	link_with_to(origin, "login", url, text);
	assert_int_equal(strlen(text),
			 sizeof(origin) - 1 + strlen("/login?to=") + 3 * (sizeof(url) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),	 cmocka_unit_test(test_is_portal),
		cmocka_unit_test(test_hosts),	 cmocka_unit_test(test_origin),
		cmocka_unit_test(test_original), cmocka_unit_test(test_web),
		cmocka_unit_test(test_with_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
