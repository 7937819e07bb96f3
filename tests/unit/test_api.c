/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The captive portal API through the state machine of portal/portal.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portal/api.h"
#include "tests/unit/fake_site.h"

enum { NOW = 1800000000, SILENT = 0 };

#define NAME	"portal.example"
#define BROWSER "text/html,application/xhtml+xml,*/*;q=0.8"
#define CAPTIVE "{\"captive\":true,\"user-portal-url\":\"https://" NAME "/login\"}"
#define ONLINE(more)                                                                               \
	"{\"captive\":false,\"user-portal-url\":\"https://" NAME                                   \
	"/status\",\"can-extend-session\":false" more "}"

static const struct fake_entry with_tls[] = {
	{"zone/0/hostname", NAME, 0}, {"pairs", "1", 0},       {"pair/0/chain", "a chain", 0},
	{"pair/0/key", "a key", 0},   {"zone/0/pair", "0", 0}, {NULL, NULL, 0}};
static const struct fake_entry with_venue[] = {
	{"zone/0/hostname", NAME, 0},
	{"pairs", "1", 0},
	{"pair/0/chain", "a chain", 0},
	{"pair/0/key", "a key", 0},
	{"zone/0/pair", "0", 0},
	{"zone/0/venue-info-url", "https://venue.example/a\"\\\n\x7f", 0},
	{NULL, NULL, 0}};
static const struct fake_entry without_tls[] = {{"zone/0/hostname", NAME, 0}, {NULL, NULL, 0}};
static struct exchange x;

static struct site *load(const struct fake_entry *changes)
{
	char error[SITE_ERROR_MAX];
	struct site *site;

	if (fake_site(changes, &site, error) < 0)
		fail_msg("%s", error);
	return site;
}

/* Takes site. */
static void request(struct site *site, const char *method, bool secure, const char *accept)
{
	exchange_finish(&x);
	x = (struct exchange){
		.site = site,
		.secure = secure,
		.local = {.family = 4, .b = {192, 0, 2, 1}},
		.method = method,
		.target = "/api?unknown=%ff",
		.host = NAME,
		.accept = accept,
		.now = NOW,
	};
}

static int reply(unsigned int state, uint64_t seconds_left, uint64_t bytes_left)
{
	struct web_reply r = {
		.state = state, .seconds_left = seconds_left, .bytes_left = bytes_left};

	return exchange_continue(&x, state == SILENT ? NULL : &r);
}

static void assert_header(const char *name, const char *value)
{
	const char *got = response_get(&x.response, name);

	if (!got || strcmp(got, value) != 0)
		fail_msg("%s: %s in place of %s", name, got ? got : "nothing", value);
}

static void test_state(void **state)
{
	static const struct {
		unsigned int state;
		uint64_t seconds_left, bytes_left;
		unsigned int status;
		const char *body;
	} rows[] = {
		{GUEST_STRANGER, 0, 0, 200, CAPTIVE},
		/* figures of a session that is over are nobody's */
		{GUEST_STRANGER, 5, 7, 200, CAPTIVE},
		{GUEST_REFUSED, 0, 0, 200, CAPTIVE},
		{GUEST_ONLINE, 60, UINT64_MAX, 200, ONLINE(",\"seconds-remaining\":60")},
		{GUEST_ONLINE, 0, UINT64_MAX, 200, ONLINE(",\"seconds-remaining\":0")},
		{GUEST_ONLINE, 315360000, 5000000000, 200,
		 ONLINE(",\"seconds-remaining\":315360000,\"bytes-remaining\":5000000000")},
		{GUEST_ONLINE, 60, 0, 200,
		 ONLINE(",\"seconds-remaining\":60,\"bytes-remaining\":0")},
		{GUEST_NO_DEVICE, 0, 0, 403, ""},
		{GUEST_UNVERIFIED, 0, 0, 403, ""},
		{GUEST_FAILED, 0, 0, 503, ""},
		{GUEST_FAILED + 1, 0, 0, 503, ""},
		{SILENT, 0, 0, 503, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request(load(with_tls), i % 2 ? "HEAD" : "GET", true, "application/captive+json");
		assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
		assert_int_equal(reply(rows[i].state, rows[i].seconds_left, rows[i].bytes_left), 0);
		assert_int_equal(x.response.status, rows[i].status);
		assert_int_equal(x.response.body_len, strlen(rows[i].body));
		assert_memory_equal(x.response.body, rows[i].body, x.response.body_len);
		assert_header("Cache-Control", "no-store");
		assert_header("Vary", "Accept");
		if (rows[i].status == 200)
			assert_header("Content-Type", "application/captive+json");
		else
			assert_header("Connection", "close");
	}
}

/* After the login; what is no URL character does no harm. */
static void test_venue(void **state)
{
	static const char member[] =
		",\"venue-info-url\":\"https://venue.example/a\\\"\\\\\\u000a\x7f\",";

	(void)state;
	request(load(with_venue), "GET", true, NULL);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_ONLINE, 60, UINT64_MAX), 0);
	assert_memory_equal(strstr(x.response.body, ",\"venue"), member, sizeof(member) - 1);
	request(load(with_venue), "GET", true, NULL);
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_STRANGER, 0, 0), 0);
	assert_int_equal(x.response.body_len, strlen(CAPTIVE));
}

/* A browser gets the page that says it, and no state. */
static void test_browser(void **state)
{
	static const struct {
		unsigned int state;
		const char *location;
	} rows[] = {
		{GUEST_STRANGER, "https://" NAME "/login"},
		{GUEST_ONLINE, "https://" NAME "/status"},
		{GUEST_NO_DEVICE, "https://" NAME "/login"},
		{SILENT, "https://" NAME "/login"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request(load(with_tls), "GET", true, BROWSER);
		assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
		assert_int_equal(reply(rows[i].state, 60, UINT64_MAX), 0);
		assert_int_equal(x.response.status, 302);
		assert_header("Location", rows[i].location);
		assert_header("Vary", "Accept");
		assert_header("Cache-Control", "no-store");
		assert_null(strstr(x.response.body, "captive"));
	}
}

static void test_no_state(void **state)
{
	(void)state;
	request(load(with_tls), "GET", false, "application/captive+json");
	assert_int_equal(exchange_begin(&x), 0);
	assert_int_equal(x.response.status, 303);
	assert_header("Location", "https://" NAME "/api");
	request(load(with_tls), "POST", true, NULL);
	assert_int_equal(exchange_begin(&x), 0);
	assert_int_equal(x.response.status, 405);
	assert_header("Allow", "GET, HEAD");
	request(load(with_tls), "GET", true, NULL);
	x.host = "evil.example";
	assert_int_equal(exchange_begin(&x), 0);
	assert_int_equal(x.response.status, 302);
	request(load(without_tls), "GET", false, "application/captive+json");
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_ONLINE, 60, UINT64_MAX), 0);
	assert_int_equal(x.response.status, 404);
	assert_null(strstr(x.response.body, "captive"));
}

/* The longest name there is */
static void test_size(void **state)
{
	char name[254];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 60; i < sizeof(name) - 1; i += 61)
		name[i] = '.';
	const struct fake_entry changes[] = {
		{"zone/0/hostname", name, 0},	{"pairs", "1", 0},
		{"pair/0/chain", "a chain", 0}, {"pair/0/key", "a key", 0},
		{"zone/0/pair", "0", 0},	{NULL, NULL, 0}};

	request(load(changes), "GET", true, NULL);
	x.host = name;
	assert_int_equal(exchange_begin(&x), MSG_WEB_LOOKUP);
	assert_int_equal(reply(GUEST_ONLINE, UINT64_MAX, UINT64_MAX - 1), 0);
	assert_int_equal(x.response.status, 200);
	assert_true(x.response.body_len < API_TEXT_MAX);
	assert_int_equal(x.response.body[x.response.body_len - 1], '}');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),	cmocka_unit_test(test_venue),
		cmocka_unit_test(test_browser), cmocka_unit_test(test_no_state),
		cmocka_unit_test(test_size),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	exchange_finish(&x);
	return failed;
}
