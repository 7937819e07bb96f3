/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portal/responder.h"
#include "tests/unit/fake_site.h"

static char error[SITE_ERROR_MAX];

static struct site *load(const struct fake_entry *changes)
{
	struct site *site = NULL;

	if (fake_site(changes, &site, error) < 0)
		fail_msg("%s", error);
	return site;
}

static void test_defaults(void **state)
{
	static const struct fake_entry changes[] = {
		{"zone/0/title", NULL, 0},
		{"zone/0/lang", NULL, 0},
		{"zone/0/refresh", NULL, 0},
		{"zone/0/accent", NULL, 0},
		{"zone/0/accent-dark", NULL, 0},
		{"log-level", NULL, 0},
		{0},
	};
	struct site *site = load(changes);

	(void)state;
	assert_int_equal(site->zone_count, 1);
	assert_null(site->zones[0].stranger.hostname);
	assert_int_equal(site->log_level, LOG_LEVEL_INFO);
	assert_string_equal(site->zones[0].stranger.title, "guest");
	assert_false(site->zones[0].stranger.strict);
	assert_int_equal(site->zones[0].stranger.probe_count, 0);
	assert_string_equal(site->zones[0].stranger.lang, "en");
	assert_string_equal(site->zones[0].stranger.dir, "ltr");
	assert_int_equal(site->zones[0].stranger.refresh, 0);
	assert_null(site->zones[0].logo);
	assert_true(site->zones[0].terms_count >= 3);
	assert_int_equal(site_ref(site)->references, 2);
	site_unref(site);
	site_unref(site);
}

static void test_values(void **state)
{
	static const struct fake_entry changes[] = {
		{"zone/0/hostname", "wifi.example", 0},
		{"zone/0/lang", "ar-EG", 0},
		{"zone/0/accent", "#ffff00", 0},
		{"zone/0/terms", "\n \none\ntwo\r\n\t\r\n\n  three\n", 0},
		{"zone/0/logo", "\x89PNG\0\0", 6},
		{"zone/0/logo-type", "image/png", 0},
		{"zone/0/probes", "strict", 0},
		{"zone/0/redirect-probes", " a/b  *.c/* ", 0},
		{0},
	};
	struct site *site = load(changes);
	const struct zone_site *zone = &site->zones[0];

	(void)state;
	assert_string_equal(site->zones[0].stranger.hostname, "wifi.example");
	assert_string_equal(zone->stranger.dir, "rtl");
	assert_int_equal(zone->terms_count, 2);
	assert_string_equal(zone->terms[0], "one\ntwo\r");
	assert_string_equal(zone->terms[1], "  three");
	assert_int_equal(zone->logo_len, 6);
	assert_true(zone->stranger.strict);
	assert_int_equal(zone->stranger.probe_count, 2);
	assert_string_equal(zone->stranger.probes[0], "a/b");
	assert_string_equal(zone->stranger.probes[1], "*.c/*");
	/* black on yellow, and links that are not yellow on white */
	assert_non_null(strstr(zone->style, "--accent: #ffff00;\n\t--ink: #000000;"));
	assert_null(strstr(zone->style, "--link: #ffff00"));
	site_unref(site);
}

static void test_refused(void **state)
{
	static const struct {
		struct fake_entry change;
		const char *wanted;
	} rows[] = {
		{{"secret", "short", 0}, "secret is not 32 bytes long"},
		{{"secret", NULL, 0}, "secret is not 32 bytes long"},
		{{"zones", "0", 0}, "there are not between 1 and 64 zones"},
		{{"zones", "65", 0}, "there are not between 1 and 64 zones"},
		{{"zones", "2", 0}, "zone 1: it has no name"},
		{{"zone/0/hostname", "a b", 0}, "zone \"guest\": hostname is no host name"},
		{{"log-level", "loud", 0}, "there is no log-level \"loud\""},
		{{"zone/0/name", NULL, 0}, "zone 0: it has no name"},
		{{"zone/0/name", "a-name-of-more-than-thirty-one-bytes", 0},
		 "zone 0: it has no name"},
		{{"zone/0/refresh", "-1", 0}, "zone \"guest\": refresh is not between 0 and 86400"},
		{{"zone/0/accent", "red", 0}, "zone \"guest\": accent is no colour"},
		{{"zone/0/accent-dark", "#12345g", 0}, "zone \"guest\": accent-dark is no colour"},
		{{"zone/0/page/login.html", NULL, 0},
		 "zone \"guest\": page login.html:1: there is no file \"login.html\""},
		{{"zone/0/page/divert.html", NULL, 0},
		 "zone \"guest\": page divert.html:1: there is no file \"divert.html\""},
		{{"zone/0/page/top.html", NULL, 0},
		 "zone \"guest\": page landing.html:4: there is no file \"top.html\""},
		{{"zone/0/page/status.html", "a\n{{nonsense}}", 0},
		 "zone \"guest\": page status.html:2: there is no value \"nonsense\""},
		{{"zone/0/page/divert.html", "{{token}}", 0},
		 "zone \"guest\": page divert.html:1: there is no value \"token\""},
		{{"zone/0/page/terms.txt", NULL, 0}, "zone \"guest\": there are no terms"},
		{{"zone/0/redirect-probes", "a/b c", 0},
		 "zone \"guest\": redirect-probes has one that is no HOST/PATH"},
		{{"zone/0/redirect-probes",
		  "a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ "
		  "a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/",
		  0},
		 "zone \"guest\": there are more than 32 redirect-probes"},
		{{"zone/0/logo", "x", 0},
		 "zone \"guest\": logo-type is no image type that browsers know"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fake_entry changes[] = {rows[i].change, {0}};
		struct site *site = NULL;

		assert_int_equal(fake_site(changes, &site, error), -EINVAL);
		assert_string_equal(error, rows[i].wanted);
		assert_null(site);
	}
}

enum { FILL = 1000 };

/* A page with so many bytes of text. */
static int load_page(const char *divert, const char *links, size_t fill, struct site **ret_site)
{
	static char page[2 * RESPONDER_ANSWER_MAX];
	const size_t len = (size_t)snprintf(page, sizeof(page), "%s", links);
	const struct fake_entry changes[] = {
		{"zone/0/divert", divert, 0},
		{"zone/0/redirect-probes", "h/probe", 0},
		{"zone/0/probes", "strict", 0},
		{"zone/0/page/divert.html", page, len + fill},
		{0},
	};

	memset(page + len, 'x', fill);
	return fake_site(changes, ret_site, error);
}

static size_t longest_answer(const struct site *site, const char *target)
{
	const struct responder_request req = {
		.family = 6, .method = "GET", .target = target, .host = "h"};
	char text[RESPONDER_ANSWER_MAX];
	const struct answer_zone *zone = &site->zones[0].stranger;
	struct responder_gateway gateway;
	struct addr local = {.family = 6};
	struct link_target parts;

	memset(local.b, 0xff, sizeof(local.b));
	responder_gateway_init(&gateway, zone, &local);
	link_split(target, "h", &parts);
	int len = responder_answer(&req, &parts, zone, &gateway, 0, text, sizeof(text));

	assert_true(len > 0);
	return (size_t)len;
}

/* The largest page that every answer of queue mode has room for is taken, a larger one is not. */
static void test_largest_queue_page(void **state)
{
	char path[LINK_TO_MAX];
	struct site *site;
	const struct {
		const char *links, *target;
	} rows[] = {{"{{link}}{{link}}", path}, {"{{link}}", path}, {"", "/probe"}};

	(void)state;
	memset(path, '%', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - sizeof("http://h")] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(load_page("queue", rows[i].links, FILL, &site), 0);
		const size_t most =
			FILL + RESPONDER_ANSWER_MAX - longest_answer(site, rows[i].target);

		site_unref(site);
		assert_int_equal(load_page("queue", rows[i].links, most, &site), 0);
		assert_int_equal(longest_answer(site, rows[i].target), RESPONDER_ANSWER_MAX);
		site_unref(site);
		assert_int_equal(load_page("queue", rows[i].links, most + 1, &site), -EINVAL);
		assert_string_equal(
			error,
			"zone \"guest\": page divert.html is too large for divert \"queue\": with the longest link, which "
			"is for a web address of 512 bytes, the answer has 8191 bytes, more than 8190");
		assert_int_equal(load_page("redirect", rows[i].links, most + 1, &site), 0);
		site_unref(site);
	}
}

/* portald.conf(5) names every value that a page may use. */
static void test_values_are_documented(void **state)
{
	static char manual[128 * 1024];
	char path[4096], name[64];
	const char *here = getenv("PORTALD_TESTDATA");

	(void)state;
	assert_non_null(here);
	snprintf(path, sizeof(path), "%s/../../daemon/portald.conf.5.scd", here);
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
	fclose(file);
	const char *pages = strstr(manual, "\n# PAGES\n");

	assert_non_null(pages);
	for (size_t i = 0; i < VALUES + ANSWER_VALUES; i++) {
		snprintf(name, sizeof(name), "*%s*",
			 i < VALUES ? value_names[i] : answer_names[i - VALUES]);
		if (!strstr(pages, name))
			fail_msg("portald.conf(5) does not tell of %s", name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_largest_queue_page),
		cmocka_unit_test(test_values_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
