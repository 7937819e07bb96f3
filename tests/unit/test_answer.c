/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portal/answer.h"

enum { NOW = 784111777 }; /* the RFC's own example */

static const char page_text[] = "{{lang}}|{{dir}}|{{venue}}|{{refresh}}|{{link}}";
static const struct addr v4 = {.family = 4, .b = {192, 0, 2, 1}};
static const struct addr v6 = {.family = 6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

static struct answer_zone zone = {
	.title = "Bed & Breakfast", .lang = "en", .dir = "ltr", .refresh = 10};
static struct response response;

static const char *find(void *ctx, const char *file, size_t *ret_len)
{
	(void)ctx;
	(void)file;
	*ret_len = sizeof(page_text) - 1;
	return page_text;
}

static void ask(const char *method, const char *target, const char *host, const struct addr *local)
{
	char origin[LINK_ORIGIN_MAX];
	struct link_target parts;
	const struct answer_request req = {.method = method, .target = &parts, .origin = origin};

	link_origin(zone.hostname, local, origin);
	link_split(target, host, &parts);
	assert_int_equal(answer_stranger(&req, &zone, NOW, &response), 0);
}

#define LOGIN "http://192.0.2.1/login"

#define LAND "http://192.0.2.1/"

static void test_rows(void **state)
{
	static const struct {
		const char *method, *target, *host;
		unsigned int status;
		const char *link;
	} rows[] = {
		/* B1, B2 */
		{"GET", "/", "example.org", 511, LOGIN "?to=http://example.org/"},
		{"HEAD", "/x?y=1", "example.org", 511, LOGIN "?to=http://example.org/x%3Fy%3D1"},
		{"GET", "/", NULL, 511, LOGIN},
		{"GET", "/<script>", "example.org", 511, LOGIN},
		{"GET", "/", "a\"b", 511, LOGIN},
		{"GET", "/hotspot-detect.html", "captive.apple.com", 511, LOGIN},
		/* B3 */
		{"GET", "/generate_204", "connectivitycheck.gstatic.com", 302, "http://192.0.2.1/"},
		{"HEAD", "/generate_204?x=1", "example.org", 302, "http://192.0.2.1/"},
		{"GET", "/gen_204", NULL, 302, "http://192.0.2.1/"},
		{"GET", "http://www.google.com/gen_204", NULL, 302, "http://192.0.2.1/"},
		{"GET", "/generate_204/", "example.org", 511,
		 LOGIN "?to=http://example.org/generate_204/"},
		{"GET", "/generate_2044", "example.org", 511,
		 LOGIN "?to=http://example.org/generate_2044"},
		{"GET", "/x/generate_204", "example.org", 511,
		 LOGIN "?to=http://example.org/x/generate_204"},
		{"GET", "/GENERATE_204", "example.org", 511,
		 LOGIN "?to=http://example.org/GENERATE_204"},
		{"POST", "/generate_204", "example.org", 511, LOGIN},
		/* B4 */
		{"GET", "/online/status.html", "ipv4.connman.net", 302, LAND},
		{"GET", "/online/status.html", "IPv6.ConnMan.net.:80", 302, LAND},
		{"GET", "/online/status.htm", "ipv4.connman.net", 511, LOGIN},
		{"GET", "/online/status.html", "ipv4.connman.net:8080", 511,
		 LOGIN "?to=http://ipv4.connman.net:8080/online/status.html"},
		{"GET", "/online/status.html", "xipv4.connman.net", 511,
		 LOGIN "?to=http://xipv4.connman.net/online/status.html"},
		{"POST", "/online/status.html", "ipv4.connman.net", 511, LOGIN},
		/* B5 */
		{"GET", "/204", "test.steampowered.com", 302, LAND},
		{"GET", "/204", "example.org", 511, LOGIN "?to=http://example.org/204"},
		{"HEAD", "/kindle-wifi/wifistub.html", "spectrum.s3.amazonaws.com", 302, LAND},
		{"GET", "/kindle-wifi", "spectrum.s3.amazonaws.com", 511, LOGIN},
		{"GET", "/", "ctest.cdn.nintendo.net", 302, LAND},
		{"GET", "http://conntest.nintendowifi.net/x?y", "other.example", 302, LAND},
		/* B6 */
		{"GET", "/", "netcts.cdn-apple.com", 511, LOGIN},
		{"GET", "/connecttest.txt", "www.msftconnecttest.com", 511, LOGIN},
		{"GET", "/redirect", "www.msftconnecttest.com", 511, LOGIN},
		{"GET", "/ncsi.txt", "www.msftncsi.com", 511, LOGIN},
		{"GET", "/canonical.html", "detectportal.firefox.com", 511, LOGIN},
		{"GET", "/nm", "network-test.debian.org", 511, LOGIN},
		{"GET", "/check_network_status.txt", "nmcheck.gnome.org", 511, LOGIN},
		{"GET", "/", "networkcheck.kde.org", 511, LOGIN},
		{"GET", "/captiveportal/generate_20", "edge-http.microsoft.com", 511, LOGIN},
		/* B8 */
		{"POST", "/", "example.org", 511, LOGIN},
		{"PUT", "/", "example.org", 511, LOGIN},
		{"DELETE", "/", "example.org", 511, LOGIN},
		{"OPTIONS", "*", "example.org", 511, LOGIN},
		{"CONNECT", "example.org:443", "example.org:443", 511, LOGIN},
		{"NONSENSE", "/", "example.org", 511, LOGIN},
	};
	char wanted[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(rows[i].method, rows[i].target, rows[i].host, &v4);
		assert_int_equal(response.status, rows[i].status);
		snprintf(wanted, sizeof(wanted), "en|ltr|Bed &amp; Breakfast|10|%s", rows[i].link);
		assert_string_equal(response.body, wanted);
		if (rows[i].status == 302)
			assert_string_equal(response_get(&response, "Location"), rows[i].link);
		response_finish(&response);
	}
}

static void assert_status(const char *method, const char *target, const char *host,
			  unsigned int status)
{
	ask(method, target, host, &v4);
	assert_int_equal(response.status, status);
	response_finish(&response);
}

/* Strict: only the zone's own probes are redirected. */
static void test_own_rows(void **state)
{
	static const char *const own[] = {"probe.example.net/check", "*.example.org/p/*", "*/ping"};

	(void)state;
	zone.probes = own;
	zone.probe_count = sizeof(own) / sizeof(own[0]);
	for (int strict = 0; strict <= 1; strict++) {
		zone.strict = strict;
		assert_status("GET", "/check?x", "probe.example.net", 302);
		assert_status("HEAD", "/p/x", "a.example.org", 302);
		assert_status("GET", "/ping", NULL, 302);
		assert_status("GET", "/p/x", "example.org", 511);
		assert_status("POST", "/ping", NULL, 511);
		assert_status("GET", "/generate_204", "x", strict ? 511 : 302);
		assert_status("GET", "/", "ctest.cdn.nintendo.net", strict ? 511 : 302);
	}
	zone.strict = false;
	zone.probe_count = 0;
}

static void test_headers(void **state)
{
	static const struct response_header wanted[] = {
		{"Connection", "close"},
		{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"},
		{"Content-Type", "text/html; charset=utf-8"},
		{"Cache-Control", "no-store"},
		{"Referrer-Policy", "no-referrer"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Length", "52"},
	};

	(void)state;
	ask("POST", "/", "example.org", &v4);
	assert_string_equal(response.reason, "Network Authentication Required");
	assert_int_equal(response.body_len, 52);
	assert_int_equal(response.header_count, sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < response.header_count; i++) {
		assert_string_equal(response.headers[i].name, wanted[i].name);
		assert_string_equal(response.headers[i].value, wanted[i].value);
	}
	response_finish(&response);
}

static void test_origin(void **state)
{
	(void)state;
	ask("POST", "/", NULL, &v6);
	assert_non_null(strstr(response.body, "|http://[2001:db8::1]/login"));
	response_finish(&response);
	zone.hostname = "wifi.example";
	ask("GET", "/gen_204", NULL, &v6);
	assert_string_equal(response_get(&response, "location"), "http://wifi.example/");
	response_finish(&response);
	zone.hostname = NULL;
}

/* The longest link that a guest can cause fits into the answer. */
static void test_longest(void **state)
{
	char name[254], target[LINK_TO_MAX] = "/";

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	zone.hostname = name;
	memset(target + 1, '&', LINK_TO_MAX - sizeof("http://h/"));
	ask("GET", target, "h", &v4);
	assert_int_equal(response.body_len, strlen("en|ltr|Bed &amp; Breakfast|10|") +
						    strlen("http://") + 253 +
						    strlen("/login?to=http://h/") +
						    3 * (LINK_TO_MAX - sizeof("http://h/")));
	response_finish(&response);
	zone.hostname = NULL;
}

int main(void)
{
	const struct template_source source = {answer_names, ANSWER_VALUES, find, NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	cmocka_unit_test(test_own_rows),
		cmocka_unit_test(test_headers), cmocka_unit_test(test_origin),
		cmocka_unit_test(test_longest),
	};
	char error[TEMPLATE_ERROR_MAX];
	struct template *page;

	if (template_parse(&source, "page", &page, error) < 0)
		return 1;
	zone.page = page;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	template_destroy(page);
	return failed;
}
