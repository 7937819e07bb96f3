/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of the metrics; the store is that of this file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/engine.h"
#include "daemon/metrics.h"
#include "daemon/persist.h"
#include "daemon/store.h"

static const char *trouble;
static struct store_stats stats;

struct store *persist_store(const struct engine *e)
{
	(void)e;
	return NULL;
}

const char *persist_trouble(const struct engine *e)
{
	(void)e;
	return trouble;
}

void store_get_stats(struct store *s, struct store_stats *ret_stats)
{
	(void)s;
	*ret_stats = stats;
}

static char first[] = "guest", second[] = "Staff-2";
static struct config config = {.zone_count = 2, .zones = {{.name = first}, {.name = second}}};
static struct engine engine;

static int reset(void **state)
{
	(void)state;
	engine = (struct engine){.config = &config};
	stats = (struct store_stats){0};
	trouble = NULL;
	return 0;
}

/* The text has exactly this line, once. */
static void expect(const char *text, const char *line)
{
	char whole[256];
	const int len = snprintf(whole, sizeof(whole), "\n%s\n", line);
	const char *at = strstr(text, whole);

	if (!at || strstr(at + len - 1, whole))
		fail_msg("not once: %s", line);
}

static void expect_all(const char *const *lines, size_t count)
{
	char *text = metrics_text(&engine);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		expect(text, lines[i]);
	free(text);
}

static void test_histogram(void **state)
{
	static const char *const lines[] = {
		"# TYPE portald_store_commit_seconds histogram",
		"portald_store_commit_seconds_bucket{le=\"0.0005\"} 2",
		"portald_store_commit_seconds_bucket{le=\"0.001\"} 2",
		"portald_store_commit_seconds_bucket{le=\"0.005\"} 3",
		"portald_store_commit_seconds_bucket{le=\"5\"} 3",
		"portald_store_commit_seconds_bucket{le=\"+Inf\"} 4",
		"portald_store_commit_seconds_sum 6.002250",
		"portald_store_commit_seconds_count 4",
		"portald_accounting_read_seconds_bucket{le=\"+Inf\"} 1",
		"portald_accounting_read_seconds_count 1",
	};

	(void)state;
	histogram_add(&stats.commit_time, 100);
	histogram_add(&stats.commit_time, 150);
	histogram_add(&stats.commit_time, 2000);
	histogram_add(&stats.commit_time, 6000000);
	histogram_add(&engine.metrics.accounting, 1);
	expect_all(lines, sizeof(lines) / sizeof(lines[0]));
}

static void test_zones(void **state)
{
	static const char *const lines[] = {
		"portald_session_events_total{zone=\"guest\",event=\"quota\"} 0",
		"portald_session_events_total{zone=\"Staff-2\",event=\"quota\"} 2",
		"portald_session_events_total{zone=\"Staff-2\",event=\"idle\"} 0",
		"portald_diverted_requests_total{zone=\"guest\",code=\"511\"} 0",
		"portald_diverted_requests_total{zone=\"Staff-2\",code=\"511\"} 7",
		"portald_queue_packets_total{zone=\"Staff-2\",outcome=\"refused\"} 9",
		"portald_queue_dropped_packets_total 18446744073709551615",
		"portald_zone_ready{zone=\"guest\"} 0",
		"portald_zone_ready{zone=\"Staff-2\"} 1",
		"portald_sessions{zone=\"Staff-2\"} 3",
		"portald_session_bytes_total{zone=\"Staff-2\",direction=\"up\"} 5",
		"portald_session_bytes_total{zone=\"Staff-2\",direction=\"down\"} 6",
	};
	struct web_counts counts = {.zone = 1};

	(void)state;
	metrics_event(&engine.metrics, 1, "quota");
	metrics_event(&engine.metrics, 1, "quota");
	metrics_event(&engine.metrics, 1, "of another name");
	counts.counts[WEB_COUNT_511] = 7;
	counts.counts[WEB_COUNT_PACKET_REFUSED] = 9;
	counts.counts[WEB_COUNT_MISSED] = UINT64_MAX;
	assert_int_equal(metrics_web(&engine.metrics, config.zone_count, &counts), 0);
	counts.zone = 2;
	assert_int_equal(metrics_web(&engine.metrics, config.zone_count, &counts), -EBADMSG);
	engine.links[1] = LINK_READY;
	engine.sessions.zones[1] =
		(struct zone_traffic){.count = 3, .bytes_up = 5, .bytes_down = 6};
	expect_all(lines, sizeof(lines) / sizeof(lines[0]));
}

/* As Linux 6.18 writes it.  Others' queues are beside ours, 7 and 8, of which one is bound already. */
static void test_queue_drops(void **state)
{
	static char text[] = "    6   1234  2048 2 65531     1     2        3  1\n"
			     "    8   1235  2048 2 65531  4000    20     2068  1\n"
			     "    9   1235     0 2 65531     5     6        7  1\n";
	static const char *const lines[] = {"portald_queue_dropped_packets_total 4020"};
	FILE *drops = fmemopen(text, strlen(text), "r");

	(void)state;
	config.queue_first = 7;
	config.workers = 2;
	engine.queue_drops = drops;
	expect_all(lines, 1);
	expect_all(lines, 1); /* it is read anew each time */
	fclose(drops);
}

static void test_store(void **state)
{
	static const char *const healthy[] = {"portald_store_healthy 1"};
	static const char *const ill[] = {"portald_store_healthy 0",
					  "portald_store_pending_rows 12",
					  "portald_store_lost_entries_total 3"};

	(void)state;
	expect_all(healthy, 1);
	trouble = "no space";
	stats.pending = 12;
	stats.lost = 3;
	expect_all(ill, sizeof(ill) / sizeof(ill[0]));
}

/* A line is a comment or "name{label="value",...} number", and no value has a character that would
 * have to be escaped. */
static void check_sample(char *line)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz_";
	char *at = line + strspn(line, name);

	assert_ptr_not_equal(at, line);
	for (char before = '{'; *at == before; before = ',') {
		at++;
		at += strspn(at, name);
		assert_int_equal(strncmp(at, "=\"", 2), 0);
		at += 2;
		at += strcspn(at, "\"\\\n");
		assert_int_equal(*at, '"');
		at++;
	}
	at += *at == '}';
	assert_int_equal(*at, ' ');
	assert_true(strspn(at + 1, "0123456789.") == strlen(at + 1) && at[1]);
}

static void test_form(void **state)
{
	char *text = metrics_text(&engine);
	char *rest = text;

	(void)state;
	assert_non_null(text);
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (char *line; (line = strsep(&rest, "\n")) && rest;) {
		if (line[0] != '#')
			check_sample(line);
		else
			assert_true(strncmp(line, "# HELP ", 7) == 0 ||
				    strncmp(line, "# TYPE ", 7) == 0);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_histogram, reset),
		cmocka_unit_test_setup(test_zones, reset),
		cmocka_unit_test_setup(test_queue_drops, reset),
		cmocka_unit_test_setup(test_store, reset),
		cmocka_unit_test_setup(test_form, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
