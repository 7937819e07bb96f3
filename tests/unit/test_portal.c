/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's pages as a state machine: each step is a request or the engine's reply, and what
 * must come of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "portal/portal.h"
#include "tests/unit/fake_site.h"

enum { NOW = 1800000000, SILENT = 0 };

static const struct mac guest = {{2, 0, 0x5e, 0x10, 0, 1}}, other = {{2, 0, 0x5e, 0x10, 0, 2}};
static struct site *site;
static struct exchange x;

static void request(const char *method, const char *target, const char *host, bool diverted,
		    const char *body)
{
	exchange_finish(&x);
	x = (struct exchange){
		.site = site_ref(site),
		.diverted = diverted,
		.local = {.family = 4, .b = {192, 0, 2, 1}},
		.method = method,
		.target = target,
		.host = host,
		.content_type = body ? "application/x-www-form-urlencoded" : NULL,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.now = NOW,
	};
}

static uint64_t seconds_extended; /* of replies */

static int reply(unsigned int state)
{
	struct web_reply r = {.state = state,
			      .mac = guest,
			      .seconds_used = 60,
			      .seconds_extended = seconds_extended,
			      .seconds_left = 180,
			      .bytes_up = 1500,
			      .bytes_down = 2000000};

	return exchange_continue(&x, state == SILENT ? NULL : &r);
}

static bool body_has(const char *text)
{
	return x.response.body && strstr(x.response.body, text);
}

/* Pages that ask the engine once */
static void test_pages(void **state)
{
	static const struct {
		const char *target;
		unsigned int reply, status;
		const char *location, *body;
	} rows[] = {
		{"/", GUEST_STRANGER, 200, NULL, "content=\"7; url=/login\""},
		{"/", GUEST_ONLINE, 303, "/status", NULL},
		{"/", GUEST_NO_DEVICE, 200, NULL, NULL},
		{"/", SILENT, 200, NULL, NULL},
		{"/login", GUEST_STRANGER, 200, NULL, "name=\"token\""},
		{"/login", GUEST_UNVERIFIED, 200, NULL, "name=\"token\""},
		{"/login", GUEST_ONLINE, 303, "/status", NULL},
		{"/login?to=http%3A%2F%2Fexample.org%2F", GUEST_STRANGER, 200, NULL,
		 "name=\"to\" value=\"http://example.org/\""},
		{"/login?to=http%3A%2F%2Fexample.org%2F", GUEST_NO_DEVICE, 503, NULL,
		 "content=\"5; url=/login?to=http://example.org/\""},
		{"/login", GUEST_REFUSED, 403, NULL, "No access"},
		{"/login", GUEST_FAILED, 503, NULL, "Not available"},
		{"/login", SILENT, 503, NULL, "Not available"},
		{"/success", GUEST_STRANGER, 303, "/login", NULL},
		{"/success?to=http://a/%3Fb%26c", GUEST_STRANGER, 303,
		 "/login?to=http://a/%3Fb%26c", NULL},
		{"/success", GUEST_ONLINE, 200, NULL, "3&nbsp;min"},
		{"/success?to=https://example.org/x%26y", GUEST_ONLINE, 200, NULL,
		 "href=\"https://example.org/x&amp;y\""},
		{"/status", GUEST_ONLINE, 200, NULL, "value=\"75\""},
		{"/status", GUEST_ONLINE, 200, NULL, "2.0&nbsp;MB"},
		{"/status", GUEST_STRANGER, 303, "/login", NULL},
		{"/status", SILENT, 503, NULL, "url=/status"},
		{"/logout", GUEST_ONLINE, 200, NULL, "name=\"token\""},
		{"/logout", GUEST_STRANGER, 303, "/", NULL},
		{"/logged-out", GUEST_STRANGER, 200, NULL, "You are logged out"},
		{"/logged-out", GUEST_ONLINE, 303, "/status", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request("GET", rows[i].target, "192.0.2.1", false, NULL);
		assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
		assert_int_equal(reply(rows[i].reply), 0);
		assert_int_equal(x.response.status, rows[i].status);
		if (rows[i].location)
			assert_string_equal(response_get(&x.response, "Location"),
					    rows[i].location);
		else
			assert_null(response_get(&x.response, "Location"));
		if (rows[i].body && !body_has(rows[i].body))
			fail_msg("%s: no %s in %s", rows[i].target, rows[i].body, x.response.body);
		assert_null(strstr(x.response.body, "<title>Success</title>"));
		if (rows[i].status == 503) {
			assert_string_equal(response_get(&x.response, "Retry-After"), "5");
			assert_string_equal(response_get(&x.response, "Connection"), "close");
		}
	}
}

/* Answered without a question */
static void test_at_once(void **state)
{
	static const struct {
		const char *method, *target, *host;
		bool diverted;
		unsigned int status;
		const char *header, *value;
	} rows[] = {
		{"GET", "/style.css", "192.0.2.1", false, 200, "Content-Type",
		 "text/css; charset=utf-8"},
		{"GET", "/logo", "192.0.2.1", false, 404, NULL, NULL},
		{"GET", "/favicon.ico", "192.0.2.1", false, 404, "Cache-Control", "no-store"},
		{"PUT", "/login", "192.0.2.1", false, 405, "Allow", "GET, HEAD, POST"},
		{"POST", "/", "192.0.2.1", false, 405, "Allow", "GET, HEAD"},
		{"GET", "/login", "evil.example", false, 302, "Location", "http://192.0.2.1/"},
		{"GET", "/login", "e!vil", false, 302, "Location", "http://192.0.2.1/"},
		{"POST", "/login", "evil.example", false, 421, NULL, NULL},
		{"GET", "/login", "evil.example", true, 511, "Connection", "close"},
		{"GET", "/generate_204", "192.0.2.1", true, 404, "Connection", "close"},
		{"GET", "/", NULL, true, 511, NULL, NULL},
		{"POST", "/login", "192.0.2.1", false, 400, NULL, NULL}, /* no content type */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request(rows[i].method, rows[i].target, rows[i].host, rows[i].diverted, NULL);
		assert_int_equal(exchange_begin(&x), 0);
		assert_int_equal(x.response.status, rows[i].status);
		if (rows[i].header)
			assert_string_equal(response_get(&x.response, rows[i].header),
					    rows[i].value);
	}
	request("POST", "/login", "192.0.2.1", false, "a=%");
	assert_int_equal(exchange_begin(&x), 0);
	assert_int_equal(x.response.status, 400);
	request("POST", "/login", "192.0.2.1", false, "");
	x.body_too_large = true;
	assert_int_equal(exchange_begin(&x), 0);
	assert_int_equal(x.response.status, 413);
}

static void test_portal_on_divert_port(void **state)
{
	(void)state;
	request("GET", "/login", "192.0.2.1:80", true, NULL);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_STRANGER), 0);
	assert_int_equal(x.response.status, 200);
	assert_string_equal(response_get(&x.response, "Connection"), "close");
}

static void login(const char *more, const struct mac *mac, int64_t age)
{
	static char body[512];
	char token[TOKEN_TEXT_MAX];

	token_make(site->secret, "guest", mac, NOW - age, token);
	snprintf(body, sizeof(body), "token=%s%s", token, more);
	request("POST", "/login", "192.0.2.1", false, body);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
}

static void test_login(void **state)
{
	static const struct {
		unsigned int reply, status;
		const char *location;
	} rows[] = {
		{GUEST_ONLINE, 303, "/success?to=http://example.org/"},
		{GUEST_NO_DEVICE, 503, NULL},
		{GUEST_UNVERIFIED, 503, NULL},
		{GUEST_REFUSED, 403, NULL},
		{GUEST_FAILED, 503, NULL},
		{GUEST_STRANGER, 503, NULL},
		{SILENT, 503, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		login("&accept=yes&to=http%3A%2F%2Fexample.org%2F", &guest, 60);
		assert_int_equal(reply(GUEST_STRANGER), MSG_WEB_LOGIN);
		assert_int_equal(reply(rows[i].reply), 0);
		assert_int_equal(x.response.status, rows[i].status);
		if (rows[i].location)
			assert_string_equal(response_get(&x.response, "Location"),
					    rows[i].location);
	}
}

/* Nothing of this may become MSG_WEB_LOGIN. */
static void test_login_refused(void **state)
{
	(void)state;
	login("", &guest, 0);
	assert_int_equal(reply(GUEST_STRANGER), 0);
	assert_int_equal(x.response.status, 200);
	assert_true(body_has("aria-describedby=\"problem\"") && body_has("id=\"problem\"") &&
		    body_has("accept the terms"));
	login("&accept=yes", &other, 0);
	assert_int_equal(reply(GUEST_STRANGER), 0);
	assert_int_equal(x.response.status, 403);
	assert_true(body_has("name=\"token\"") && body_has("id=\"problem\""));
	login("&accept=yes", &guest, TOKEN_LIFE + 1);
	assert_int_equal(reply(GUEST_STRANGER), 0);
	assert_int_equal(x.response.status, 403);
	login("&accept=yes", &guest, 0);
	assert_int_equal(reply(GUEST_NO_DEVICE), 0);
	assert_int_equal(x.response.status, 503);
	login("&accept=yes", &guest, 0);
	assert_int_equal(reply(GUEST_ONLINE), 0);
	assert_string_equal(response_get(&x.response, "Location"), "/status");
	request("POST", "/login", "192.0.2.1", false, "accept=yes");
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_STRANGER), 0);
	assert_int_equal(x.response.status, 403);
}

static void test_attack_strings(void **state)
{
	static const char *const tos[] = {"javascript:alert(1)", "%22%3E%3Cscript%3E",
					  "http://a/%22onx=%22", "//evil", "http://a%0d%0aX:%20y/"};
	char target[256];

	(void)state;
	for (size_t i = 0; i < sizeof(tos) / sizeof(tos[0]); i++) {
		snprintf(target, sizeof(target), "/login?to=%s", tos[i]);
		request("GET", target, "192.0.2.1", false, NULL);
		assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
		assert_int_equal(reply(GUEST_STRANGER), 0);
		assert_false(body_has("name=\"to\""));
		snprintf(target, sizeof(target), "/success?to=%s", tos[i]);
		request("GET", target, "192.0.2.1", false, NULL);
		assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
		assert_int_equal(reply(GUEST_ONLINE), 0);
		assert_false(body_has("rel=\"noreferrer\""));
	}
}

static void test_logout(void **state)
{
	char token[TOKEN_TEXT_MAX], body[128];

	(void)state;
	token_make(site->secret, "guest", &guest, NOW, token);
	snprintf(body, sizeof(body), "token=%s", token);
	request("POST", "/logout", "192.0.2.1", false, body);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_ONLINE), MSG_WEB_LOGOUT);
	assert_int_equal(reply(GUEST_STRANGER), 0);
	assert_string_equal(response_get(&x.response, "Location"), "/logged-out");
	request("POST", "/logout", "192.0.2.1", false, body);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_ONLINE), MSG_WEB_LOGOUT);
	assert_int_equal(reply(SILENT), 0);
	assert_int_equal(x.response.status, 503);
	request("POST", "/logout", "192.0.2.1", false, "token=x");
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_ONLINE), 0);
	assert_int_equal(x.response.status, 403);
}

static void extend(const char *token)
{
	static char body[128];

	snprintf(body, sizeof(body), "token=%s", token);
	request("POST", "/extend", "192.0.2.1", false, body);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
}

static void test_extend(void **state)
{
	static const struct {
		unsigned int first, second; /* second 0: nothing is asked */
		uint64_t seconds_extended;
		unsigned int status;
		const char *location;
	} rows[] = {
		{GUEST_ONLINE, GUEST_ONLINE, 600, 303, "/extended"},
		{GUEST_ONLINE, GUEST_STRANGER, 600, 303, "/login"},
		{GUEST_ONLINE, GUEST_FAILED, 600, 503, NULL},
		{GUEST_ONLINE, SILENT, 600, 503, NULL},
		{GUEST_ONLINE, 0, 0, 303, "/status"},
		{GUEST_STRANGER, 0, 600, 303, "/login"},
		{GUEST_REFUSED, 0, 600, 403, NULL},
		{GUEST_NO_DEVICE, 0, 600, 503, NULL},
	};
	char token[TOKEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool asks = rows[i].first == GUEST_ONLINE && rows[i].seconds_extended;

		token_make(site->secret, "guest", &guest, NOW, token);
		seconds_extended = rows[i].seconds_extended;
		extend(token);
		assert_int_equal(reply(rows[i].first), asks ? MSG_WEB_EXTEND : 0);
		if (asks)
			assert_int_equal(reply(rows[i].second), 0);
		assert_int_equal(x.response.status, rows[i].status);
		if (rows[i].location)
			assert_string_equal(response_get(&x.response, "Location"),
					    rows[i].location);
	}
}

/* Nothing of this may become MSG_WEB_EXTEND. */
static void test_extend_refused(void **state)
{
	char token[TOKEN_TEXT_MAX];

	(void)state;
	seconds_extended = 600;
	token_make(site->secret, "guest", &other, NOW, token);
	extend(token);
	assert_int_equal(reply(GUEST_ONLINE), 0);
	assert_int_equal(x.response.status, 403);
	assert_true(body_has("id=\"problem\"") && body_has("aria-describedby=\"problem more\""));
	token_make(site->secret, "guest", &guest, NOW - TOKEN_LIFE - 1, token);
	extend(token);
	assert_int_equal(reply(GUEST_ONLINE), 0);
	assert_int_equal(x.response.status, 403);
	token_make(site->secret, "guest", &guest, NOW, token);
	request("GET", "/extend", "192.0.2.1", false, NULL);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_ONLINE), 0);
	assert_string_equal(response_get(&x.response, "Location"), "/status");
}

/* The button is there when it would change something; the page after it says what it did until then. */
static void test_extend_pages(void **state)
{
	static const struct {
		const char *target;
		uint64_t seconds_extended;
		bool button, note;
	} rows[] = {
		{"/status", 0, false, false},
		{"/status", 600, true, false},
		{"/extended", 0, false, true},
		{"/extended", 600, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		seconds_extended = rows[i].seconds_extended;
		request("GET", rows[i].target, "192.0.2.1", false, NULL);
		assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
		assert_int_equal(reply(GUEST_ONLINE), 0);
		assert_int_equal(x.response.status, 200);
		assert_int_equal(body_has("action=\"/extend\""), rows[i].button);
		assert_int_equal(body_has("role=\"status\""), rows[i].note);
		assert_int_equal(body_has("10&nbsp;min"), rows[i].button);
	}
	seconds_extended = 0;
}

static void test_security_headers(void **state)
{
	static const char *const targets[] = {"/style.css", "/nothing", "/login"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		request("GET", targets[i], "192.0.2.1", false, NULL);
		if (exchange_begin(&x) > 0)
			reply(GUEST_STRANGER);
		const char *csp = response_get(&x.response, "Content-Security-Policy");

		assert_non_null(strstr(csp, "default-src 'none'"));
		assert_null(strstr(csp, "unsafe"));
		assert_string_equal(response_get(&x.response, "X-Frame-Options"), "DENY");
		assert_string_equal(response_get(&x.response, "X-Content-Type-Options"), "nosniff");
		assert_string_equal(response_get(&x.response, "Referrer-Policy"), "no-referrer");
		assert_null(response_get(&x.response, "Set-Cookie"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_portal_on_divert_port),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_login_refused),
		cmocka_unit_test(test_attack_strings),
		cmocka_unit_test(test_logout),
		cmocka_unit_test(test_extend),
		cmocka_unit_test(test_extend_refused),
		cmocka_unit_test(test_extend_pages),
		cmocka_unit_test(test_security_headers),
	};
	char error[SITE_ERROR_MAX];

	if (sodium_init() < 0 || fake_site(NULL, &site, error) < 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	exchange_finish(&x);
	site_unref(site);
	return failed;
}
