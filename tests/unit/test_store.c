/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store keeps, and when it is on the disk. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "store_fixture.h"

static const struct store_entry trusted = {.list = STORE_TRUST,
					   .zone = "",
					   .mac = {{2, 0, 0x5e, 0x10, 0, 1}},
					   .note = "printer",
					   .added_unix = 1795350001};
static const struct store_entry blocked = {.list = STORE_BLOCK,
					   .zone = "guest",
					   .mac = {{2, 0, 0x5e, 0x10, 0, 1}},
					   .note = "",
					   .added_unix = 1795350002};

static void wait_for(struct fixture *f, const int *times, int wanted)
{
	while (*times < wanted)
		fixture_turn(f);
}

static int set_up(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	fixture_init(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	disk_fail(0);
	disk_hang(false);
	fixture_finish(*state);
	free(*state);
	return 0;
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct store_session first = make_session(1), second = make_session(2);
	struct store_clock now;
	struct stat st;

	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count + f->entry_count, 0);
	assert_string_equal(f->clock.boot_id, "");
	assert_int_equal(store_put_session(f->store, &first, NULL, NULL), 0);
	assert_int_equal(store_put_session(f->store, &second, NULL, NULL), 0);
	assert_int_equal(store_put_entry(f->store, &trusted, NULL, NULL), 0);
	assert_int_equal(store_put_entry(f->store, &blocked, NULL, NULL), 0);
	fixture_drain(f);
	fixture_close(f);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	fixture_open(f);
	assert_int_equal(f->session_count, 2);
	assert_same_session(find_session(f, 1), &first);
	assert_same_session(find_session(f, 2), &second);
	assert_int_equal(f->entry_count, 2);
	assert_memory_equal(&f->entries[0], &trusted, sizeof(trusted));
	assert_memory_equal(&f->entries[1], &blocked, sizeof(blocked));
	store_clock_now(&now);
	assert_int_equal(strlen(now.boot_id), 36);
	assert_string_equal(f->clock.boot_id, now.boot_id);
	assert_in_range(f->clock.boot_ms, 1, now.boot_ms + 1); /* two clocks, each rounded down */
	assert_in_range(f->clock.unix_s, now.unix_s - 1000, now.unix_s);

	memset(first.note, 0, sizeof(first.note));
	memcpy(first.note, "another", 7);
	first.ends_unix = 0;
	assert_int_equal(store_put_session(f->store, &first, NULL, NULL), 0);
	assert_int_equal(store_end_session(f->store, &second, 1795355555, "revoke", NULL, NULL), 0);
	assert_int_equal(store_remove_entry(f->store, &trusted, NULL, NULL), 0);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 1);
	assert_same_session(&f->sessions[0], &first);
	assert_int_equal(f->entry_count, 1);
	assert_int_equal(f->entries[0].list, STORE_BLOCK);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM history WHERE why = 'revoke'"
					     " AND ended = 1795355555 AND bytes_up = 8002"),
			 1);
}

static void test_largest_values(void **state)
{
	struct fixture *f = *state;
	struct store_session s = make_session(1);

	memset(s.zone, 'z', sizeof(s.zone) - 1);
	memset(s.note, 'n', sizeof(s.note) - 1);
	s.zone[sizeof(s.zone) - 1] = s.note[sizeof(s.note) - 1] = '\0';
	s.quota_total = s.bytes_down = UINT64_MAX; /* more than SQLite's 63 bits */
	s.left_ms = s.started_unix = UINT64_MAX;
	fixture_open(f);
	assert_int_equal(store_put_session(f->store, &s, NULL, NULL), 0);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 1);
	assert_string_equal(f->sessions[0].zone, s.zone);
	assert_string_equal(f->sessions[0].note, s.note);
	assert_true(f->sessions[0].bytes_down == INT64_MAX);
	assert_true(f->sessions[0].quota_total == INT64_MAX);
	assert_true(f->sessions[0].left_ms > 1ULL << 48);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct store_session no_zone = make_session(1), bad_note = make_session(1),
			     no_mac = make_session(1);
	struct store_entry bad_entry = trusted;
	struct heard heard = {0};

	no_zone.zone[0] = '\0';
	snprintf(bad_note.note, sizeof(bad_note.note), "%s", "two\nlines");
	memset(&no_mac.mac, 0, sizeof(no_mac.mac));
	memset(bad_entry.note, 'n', sizeof(bad_entry.note)); /* no end */
	fixture_open(f);
	assert_int_equal(store_put_session(f->store, &no_zone, hear, &heard), -EINVAL);
	assert_int_equal(store_put_session(f->store, &bad_note, hear, &heard), -EINVAL);
	assert_int_equal(store_put_session(f->store, &no_mac, hear, &heard), -EINVAL);
	assert_int_equal(store_end_session(f->store, &no_mac, 1, "why", hear, &heard), -EINVAL);
	assert_int_equal(store_put_entry(f->store, &bad_entry, hear, &heard), -EINVAL);
	fixture_drain(f);
	assert_int_equal(heard.times, 0);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sessions"), 0);
}

static void test_done_means_on_the_disk(void **state)
{
	struct fixture *f = *state;
	struct store_session s = make_session(1);
	struct heard heard = {0};

	fixture_open(f);
	fixture_drain(f);
	unsigned int before = disk_syncs();

	disk_hang(true);
	assert_int_equal(store_put_session(f->store, &s, hear, &heard), 0);
	for (int i = 0; i < 20; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(store_drain(f->store, 50), -ETIMEDOUT);
	assert_int_equal(heard.times, 0);
	assert_int_equal(disk_syncs(), before);
	disk_hang(false);
	wait_for(f, &heard.times, 1);
	assert_int_equal(heard.error, 0);
	assert_true(disk_syncs() > before);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sessions"), 1);
}

static void test_many_share_a_commit(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {0};

	fixture_open(f);
	uint64_t before = fixture_commits(f);

	/* one turn of the loop */
	for (uint32_t n = 0; n < 1000; n++) {
		struct store_session s = make_session(n);

		assert_int_equal(store_put_session(f->store, &s, hear, &heard), 0);
	}
	wait_for(f, &heard.times, 1000);
	assert_int_equal(fixture_commits(f) - before, 1);

	/* several turns, while the disk is busy with one */
	disk_hang(true);
	for (uint32_t n = 0; n < 1000; n++) {
		struct store_session s = make_session(n);

		assert_int_equal(store_put_session(f->store, &s, hear, &heard), 0);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(heard.times, 1000);
	disk_hang(false);
	wait_for(f, &heard.times, 2000);
	assert_int_equal(heard.error, 0);
	assert_in_range(fixture_commits(f) - before, 2, 3);
}

static void test_usage(void **state)
{
	struct fixture *f = *state;
	struct store_session s = make_session(1), used = s, unknown = make_session(2);
	struct heard heard = {0};
	struct store_stats stats;

	fixture_open(f);
	assert_int_equal(store_put_session(f->store, &s, hear, &heard), 0);
	wait_for(f, &heard.times, 1);
	uint64_t before = fixture_commits(f);

	for (int i = 0; i < 100; i++) {
		used.bytes_up++;
		used.left_ms--;
		snprintf(used.note, sizeof(used.note), "%s", "not taken");
		assert_int_equal(store_usage(f->store, &used, 1), 0);
		assert_int_equal(store_usage(f->store, &unknown, 1), 0);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	usleep(100000); /* a commit that should not be would come now */
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.pending, 2);
	assert_int_equal(fixture_commits(f), before);
	/* it goes with what does not wait */
	assert_int_equal(store_put_entry(f->store, &trusted, hear, &heard), 0);
	wait_for(f, &heard.times, 2);
	assert_int_equal(fixture_commits(f) - before, 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 1);
	snprintf(used.note, sizeof(used.note), "%s", s.note);
	assert_same_session(&f->sessions[0], &used);
}

static void test_usage_is_flushed(void **state)
{
	struct fixture *f = *state;
	struct store_session s = make_session(1);

	f->config.flush_ms = 1;
	fixture_open(f);
	assert_int_equal(store_put_session(f->store, &s, NULL, NULL), 0);
	fixture_drain(f);
	s.bytes_up = 4711;
	assert_int_equal(store_usage(f->store, &s, 1), 0);
	while (sql_number(f->path, "SELECT bytes_up FROM sessions") != 4711)
		fixture_turn(f);
}

/* What comes together for one session is one row, the last. */
static void test_order_within_a_batch(void **state)
{
	struct fixture *f = *state;
	struct store_session a = make_session(1), b = make_session(2), c = make_session(3);

	fixture_open(f);
	store_put_session(f->store, &a, NULL, NULL);
	store_end_session(f->store, &a, 1795350500, "logout", NULL, NULL);
	store_usage(f->store, &a, 1);
	store_put_session(f->store, &b, NULL, NULL);
	b.bytes_down = 77;
	store_usage(f->store, &b, 1);
	store_put_session(f->store, &c, NULL, NULL);
	store_end_session(f->store, &c, 1795350500, "logout", NULL, NULL);
	c.started_unix += 1000;
	store_put_session(f->store, &c, NULL, NULL);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 2);
	assert_same_session(find_session(f, 2), &b);
	assert_same_session(find_session(f, 3), &c);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM history"), 2);
}

static void test_audit(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	assert_int_equal(store_audit(f->store, "portalctl", 1000, "grant", "guest", &trusted.mac,
				     "for 8h, Café"),
			 0);
	assert_int_equal(store_audit(f->store, "expiry", -1, "end", "", NULL, "a\033[2Jb\xff"), 0);
	fixture_drain(f);
	assert_int_equal(
		sql_number(f->path,
			   "SELECT count(*) FROM audit WHERE who = 'portalctl' AND uid = 1000"
			   " AND action = 'grant' AND zone = 'guest'"
			   " AND mac = '02:00:5e:10:00:01' AND detail = 'for 8h, Café'"
			   " AND time > 1700000000"),
		1);
	assert_int_equal(
		sql_number(f->path,
			   "SELECT count(*) FROM audit WHERE who = 'expiry' AND uid IS NULL"
			   " AND mac IS NULL AND zone = '' AND detail = 'a?[2Jb?'"),
		1);
}

struct page {
	int times, error;
	size_t count;
	struct store_ended rows[STORE_HISTORY_MAX];
};

static void take_page(void *data, int error, const struct store_ended *rows, size_t count)
{
	struct page *page = data;

	page->times++;
	page->error = error;
	page->count = count;
	if (count > 0)
		memcpy(page->rows, rows, count * sizeof(*rows));
}

static void read_page(struct fixture *f, struct page *page, uint64_t since, uint64_t after,
		      size_t limit)
{
	page->times = 0;
	assert_int_equal(store_history(f->store, since, after, limit, take_page, page), 0);
	wait_for(f, &page->times, 1);
	assert_int_equal(page->error, 0);
}

static void test_history(void **state)
{
	enum { COUNT = 2500 };
	struct fixture *f = *state;
	struct page *page = malloc(sizeof(*page));
	const uint64_t base = now_unix() - 100000;
	uint64_t since = 0, after = 0, last = 0;
	size_t rows = 0;

	assert_non_null(page);
	fixture_open(f);
	/* out of order, and some at the same time */
	for (uint32_t n = 0; n < COUNT; n++) {
		struct store_session s = make_session(n);

		assert_int_equal(store_end_session(f->store, &s, base + n * 7 % COUNT / 2, "expiry",
						   NULL, NULL),
				 0);
	}
	do {
		read_page(f, page, since, after, 1000000);
		for (size_t i = 0; i < page->count; i++) {
			const struct store_ended *e = &page->rows[i];
			uint32_t n = (uint32_t)(e->session.started_unix - 1795350000);
			const struct store_session was = make_session(n);

			assert_true(e->ended_unix >= last);
			assert_int_equal(e->ended_unix, base + n * 7 % COUNT / 2);
			assert_string_equal(e->why, "expiry");
			assert_string_equal(e->session.note, was.note);
			assert_true(mac_equal(&e->session.mac, &was.mac));
			assert_int_equal(e->session.bytes_down, was.bytes_down);
			assert_int_equal(e->session.how, was.how);
			assert_int_equal(e->used_ms, was.length_ms - was.left_ms);
			last = e->ended_unix;
		}
		rows += page->count;
		since = page->rows[page->count - 1].ended_unix;
		after = page->rows[page->count - 1].id;
	} while (page->count == STORE_HISTORY_MAX);
	assert_int_equal(rows, COUNT);
	read_page(f, page, base + COUNT / 2 - 1, 0, 5);
	assert_int_equal(page->count, 2);
	read_page(f, page, base + COUNT, 0, 5);
	assert_int_equal(page->count, 0);
	free(page);
}

/* Of a row those by its own device, in its own zone, of the same session. */
static void test_extensions(void **state)
{
	static const struct {
		const char *action, *zone;
		uint32_t device;
		int differs; /* the beginning of its session, by seconds */
	} entries[] = {
		{"extend", "guest", 1, 0}, {"extend", "guest", 1, -1}, {"extend", "guest", 1, 1},
		{"extend", "staff", 1, 0}, {"extend", "guest", 2, 0},  {"change", "guest", 1, 0},
		{"extend", "guest", 1, 0},
	};
	struct fixture *f = *state;
	struct page *page = malloc(sizeof(*page));
	const struct store_session s = make_session(1);
	char text[400], mac[MAC_TEXT_MAX];

	assert_non_null(page);
	fixture_open(f);
	assert_int_equal(
		store_end_session(f->store, &s, s.started_unix + 100, "expiry", NULL, NULL), 0);
	fixture_drain(f);
	read_page(f, page, 0, 0, 5);
	assert_int_equal(page->count, 1);
	assert_int_equal(page->rows[0].extended, 0);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		const struct store_session of = make_session(entries[i].device);

		snprintf(text, sizeof(text),
			 "INSERT INTO audit (time, who, action, zone, mac, detail)"
			 " VALUES (1, 'guest', '%s', '%s', '%s', '60s left; %lld login idle=300')",
			 entries[i].action, entries[i].zone, mac_format(&of.mac, mac),
			 (long long)s.started_unix + entries[i].differs);
		sql(f->path, text);
	}
	read_page(f, page, 0, 0, 5);
	assert_int_equal(page->count, 1);
	assert_int_equal(page->rows[0].extended, 2);
	free(page);
}

static void test_old_entries_go(void **state)
{
	struct fixture *f = *state;
	struct store_session s = make_session(1);
	uint64_t now = now_unix();

	f->config.history_days = 2;
	f->config.audit_days = 1;
	fixture_open(f);
	store_end_session(f->store, &s, now - 2 * 86400 - 100, "expiry", NULL, NULL);
	store_end_session(f->store, &s, now - 2 * 86400 + 100, "expiry", NULL, NULL);
	store_audit(f->store, "guest", -1, "login", "guest", NULL, "");
	fixture_drain(f);
	fixture_close(f);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM history"), 1);
	sql(f->path, "INSERT INTO audit (time, who, action, zone, detail) VALUES"
		     " (unixepoch() - 86500, 'guest', 'login', 'guest', ''),"
		     " (unixepoch() - 86300, 'guest', 'login', 'guest', '')");
	fixture_open(f);
	fixture_drain(f);
	fixture_close(f);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM history"), 1);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM audit"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_largest_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_done_means_on_the_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_share_a_commit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_usage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_usage_is_flushed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_order_within_a_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_audit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_history, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_extensions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_old_entries_go, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
