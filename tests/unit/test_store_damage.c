/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Databases that are damaged, edited by hand, another version's, or gone. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

static int set_up(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	fixture_init(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_finish(*state);
	free(*state);
	return 0;
}

static void put_sessions(struct fixture *f, uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n < to; n++) {
		struct store_session s = make_session(n);

		assert_int_equal(store_put_session(f->store, &s, NULL, NULL), 0);
	}
}

/* A database with sessions, all of it in one file. */
static void fill(struct fixture *f, uint32_t sessions)
{
	fixture_open(f);
	put_sessions(f, 0, sessions);
	fixture_drain(f);
	fixture_close(f);
	assert_int_equal(fixture_files(f, "-wal"), 0);
}

static void overwrite(const char *path, off_t from, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(pwrite(fd, &"garbage"[i % 7], 1, from + (off_t)i), 1);
	close(fd);
}

static off_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void wait_resync(struct fixture *f)
{
	while (f->resyncs == 0)
		fixture_turn(f);
}

static void test_garbage_header(void **state)
{
	struct fixture *f = *state;
	char wal[128];

	fill(f, 10);
	overwrite(f->path, 0, 100);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	overwrite(wal, 0, 5000);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_DAMAGED);
	assert_int_equal(f->session_count, 0);
	assert_string_equal(f->clock.boot_id, "");
	assert_int_equal(fixture_moved(f), 1);
	wait_resync(f);
	put_sessions(f, 0, 20);
	fixture_drain(f);
	assert_int_equal(f->failing, 0);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count, 20);
	assert_int_equal(fixture_moved(f), 1);
}

static void test_damaged_page(void **state)
{
	struct fixture *f = *state;

	fill(f, 2000);
	overwrite(f->path, file_size(f->path) / 2 / 4096 * 4096, 4096);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_DAMAGED);
	/* what lies before it could be read */
	assert_in_range(f->session_count, 100, 1999);
	for (uint32_t n = 0; n < 50; n++) {
		struct store_session s = make_session(n);

		assert_same_session(find_session(f, n), &s);
	}
	assert_int_equal(fixture_moved(f), 1);
	wait_resync(f);
	put_sessions(f, 0, 2000);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count, 2000);
}

/* More pages than SQLite has in its memory. */
static void test_damaged_while_running(void **state)
{
	struct fixture *f = *state;
	struct store_stats stats;

	fill(f, 30000);
	fixture_open(f);
	assert_int_equal(f->session_count, 30000);
	assert_true(file_size(f->path) > 3 * 1024 * 1024);
	overwrite(f->path, 4096, (size_t)file_size(f->path) - 4096);
	put_sessions(f, 0, 30001);
	fixture_drain(f);
	assert_int_equal(f->failing, 0);
	assert_int_equal(f->resyncs, 1);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.moved_aside, 1);
	assert_int_equal(fixture_moved(f), 1);
	put_sessions(f, 30001, 30002); /* as the engine does when told */
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count, 30002);
}

static void *read_whole(const char *path, size_t *ret_size)
{
	size_t size = (size_t)file_size(path);
	void *data = malloc(size);
	FILE *file = fopen(path, "r");

	assert_non_null(data);
	assert_non_null(file);
	assert_int_equal(fread(data, 1, size, file), size);
	fclose(file);
	*ret_size = size;
	return data;
}

static void test_newer_version(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {0};
	struct store_session s = make_session(3);
	size_t before_size, after_size;

	fill(f, 2);
	sql(f->path, "PRAGMA user_version = 1000; ALTER TABLE sessions ADD COLUMN mood TEXT");
	void *before = read_whole(f->path, &before_size);

	fixture_open(f);
	assert_int_equal(f->loaded, STORE_UNREADABLE);
	assert_int_equal(f->session_count, 0);
	while (f->failing == 0)
		fixture_turn(f);
	assert_non_null(strstr(f->why, "newer portald"));
	assert_non_null(strstr(f->why, "1000"));
	assert_int_equal(store_put_session(f->store, &s, hear, &heard), 0);
	while (heard.times == 0)
		fixture_turn(f);
	assert_int_equal(heard.error, -ENOTSUP);
	assert_int_equal(store_drain(f->store, 20000), -ENOTSUP);
	fixture_close(f);
	void *after = read_whole(f->path, &after_size);

	assert_int_equal(before_size, after_size);
	assert_memory_equal(before, after, before_size);
	assert_int_equal(fixture_files(f, ""), 1);
	free(before);
	free(after);
}

/* Where migrations begin: an empty file, and one that SQLite made but we did not. */
static void test_version_0(void **state)
{
	static const char *const makers[] = {"", "PRAGMA journal_mode = DELETE; VACUUM"};

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		struct fixture *f = *state;

		unlink(f->path);
		overwrite(f->path, 0, 0);
		sql(f->path, makers[i]);
		fixture_open(f);
		assert_int_equal(f->loaded, STORE_LOADED);
		put_sessions(f, 0, 1);
		fixture_drain(f);
		fixture_close(f);
		assert_int_equal(sql_number(f->path, "PRAGMA user_version"), 5);
		assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sessions"), 1);
	}
}

/* A name of ours with something else behind it. */
static void test_foreign_tables(void **state)
{
	static const char *const makers[] = {
		"CREATE TABLE sessions (a, b); INSERT INTO sessions VALUES (1, 2)",
		"CREATE TABLE sessions (a, b); PRAGMA user_version = 1",
		"CREATE VIEW sessions AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n; PRAGMA user_version = 1",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		unlink(f->path);
		sql(f->path, makers[i]);
		fixture_open(f);
		assert_int_equal(f->loaded, STORE_DAMAGED);
		assert_int_equal(fixture_moved(f), i + 1);
		put_sessions(f, 0, 1);
		fixture_drain(f);
		fixture_close(f);
		assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sessions"), 1);
	}
}

static void test_bad_rows_are_skipped(void **state)
{
	static const char *const edits[] = {
		"zone = ''",
		"zone = x'6775657374'",
		"zone = 'a zone name that is longer than any of ours'",
		"mac = '02:00:5e:10:00'",
		"mac = '01:00:5e:10:00:01'",
		"mac = x'02005e100001'",
		"how = 7",
		"how = -1",
		"note = 'two' || char(10) || 'lines'",
		"note = CAST(x'ff41' AS TEXT)",
		"note = CAST(x'410042' AS TEXT)",
		"note = printf('%.200c', 'n')",
		"left_ms = -1",
		"left_ms = 9223372036854775807",
		"ends = 'soon'",
		"started = 1.5",
		"bytes_up = x'00'",
	};
	const uint32_t bad = sizeof(edits) / sizeof(edits[0]);
	struct fixture *f = *state;
	struct store_stats stats;
	char text[256], mac[MAC_TEXT_MAX];

	fill(f, bad + 1);
	for (uint32_t n = 0; n < bad; n++) {
		struct store_session s = make_session(n);

		snprintf(text, sizeof(text), "UPDATE sessions SET %s WHERE mac = '%s'", edits[n],
			 mac_format(&s.mac, mac));
		sql(f->path, text);
	}
	sql(f->path, "INSERT INTO lists VALUES (2, '', '02:00:5e:10:00:01', '', 0),"
		     " (0, '', 'everybody', '', 0), (1, '', '02:00:5e:10:00:01', '', 0);"
		     "UPDATE clock SET boot_ms = 'none'");
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	for (uint32_t n = 0; n < bad; n++) {
		if (find_session(f, n))
			fail_msg("%s was taken", edits[n]);
	}
	assert_int_equal(f->session_count, 1);
	assert_non_null(find_session(f, bad));
	assert_int_equal(f->entry_count, 1);
	assert_int_equal(f->entries[0].list, STORE_BLOCK);
	assert_string_equal(f->clock.boot_id, "");
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.skipped, bad + 2);
	assert_int_equal(fixture_files(f, "corrupt"), 0);
}

static void test_triggers_do_not_run(void **state)
{
	struct fixture *f = *state;

	fill(f, 1);
	sql(f->path, "CREATE TRIGGER t AFTER INSERT ON sessions BEGIN DELETE FROM sessions; END");
	fixture_open(f);
	put_sessions(f, 1, 3);
	fixture_drain(f);
	fixture_close(f);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sessions"), 3);
}

static void test_removed_while_running(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	put_sessions(f, 0, 1);
	fixture_drain(f);
	unlink(f->path);
	put_sessions(f, 1, 2);
	fixture_drain(f);
	assert_int_equal(f->resyncs, 1);
	put_sessions(f, 0, 1);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 2);
}

/* Sessions of a file that appears later are not taken for ours: they are over. */
static void test_replaced_while_running(void **state)
{
	struct fixture *f = *state;
	char other[128];

	fill(f, 5);
	snprintf(other, sizeof(other), "%s.other", f->path);
	assert_int_equal(rename(f->path, other), 0);
	fixture_open(f);
	put_sessions(f, 10, 11);
	fixture_drain(f);
	assert_int_equal(rename(other, f->path), 0);
	put_sessions(f, 11, 12);
	fixture_drain(f);
	assert_int_equal(f->resyncs, 1);
	put_sessions(f, 10, 11);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 2);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM history WHERE why = 'lost'"), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_garbage_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_while_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newer_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_version_0, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_foreign_tables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_rows_are_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_triggers_do_not_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed_while_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced_while_running, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
