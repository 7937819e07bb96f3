/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that fail, hang, or lose their process in the middle. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_fixture.h"

static const struct store_entry trusted = {.list = STORE_TRUST,
					   .zone = "",
					   .mac = {{2, 0, 0x5e, 0x10, 0, 1}},
					   .note = "printer",
					   .added_unix = 1795350001};

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

static void wait_for(struct fixture *f, const int *times, int wanted)
{
	while (*times < wanted)
		fixture_turn(f);
}

static struct store_stats stats_of(struct fixture *f)
{
	struct store_stats stats;

	store_get_stats(f->store, &stats);
	return stats;
}

static void put(struct fixture *f, uint32_t n, struct heard *heard)
{
	struct store_session s = make_session(n);

	assert_int_equal(store_put_session(f->store, &s, heard ? hear : NULL, heard), 0);
}

static void test_disk_fails_and_recovers(void **state)
{
	struct fixture *f = *state;
	struct store_session s = make_session(1), ended = make_session(2);
	struct heard first = {0}, later = {0}, recovered = {0};

	fixture_open(f);
	put(f, 2, NULL);
	put(f, 3, NULL);
	fixture_drain(f);
	disk_fail(EIO);
	put(f, 1, &first);
	wait_for(f, &first.times, 1);
	assert_int_equal(first.error, -EIO);
	assert_int_equal(f->failing, 1);
	assert_non_null(strstr(f->why, "I/O error"));
	assert_int_equal(stats_of(f).error, -EIO);
	/* nobody waits from now on, and what waits does not grow */
	for (int i = 0; i < 100; i++) {
		s.bytes_up++;
		assert_int_equal(store_put_session(f->store, &s, hear, &later), 0);
		assert_int_equal(later.times, i); /* never from within */
		wait_for(f, &later.times, i + 1);
		assert_int_equal(later.error, -EIO);
	}
	assert_int_equal(store_end_session(f->store, &ended, 1795350500, "quota", NULL, NULL), 0);
	assert_int_equal(store_put_entry(f->store, &trusted, NULL, NULL), 0);
	assert_int_equal(store_audit(f->store, "guest", -1, "login", "guest", &s.mac, ""), 0);
	s.bytes_up = 4711;
	assert_int_equal(store_usage(f->store, &s, 1), 0);
	assert_in_range(stats_of(f).pending, 5, 6); /* session 1 perhaps twice: taken, and newer */
	assert_int_equal(store_drain(f->store, 20000), -EIO);
	assert_int_equal(stats_of(f).lost, 0);
	assert_int_equal(f->failing, 1);

	disk_fail(0);
	wait_for(f, &f->recovered, 1);
	put(f, 4, &recovered);
	wait_for(f, &recovered.times, 1);
	assert_int_equal(recovered.error, 0);
	assert_int_equal(first.times, 1);
	assert_int_equal(stats_of(f).pending, 0);
	assert_int_equal(stats_of(f).error, 0);
	assert_int_equal(f->resyncs, 0);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 3);
	assert_same_session(find_session(f, 1), &s);
	assert_non_null(find_session(f, 3));
	assert_non_null(find_session(f, 4));
	assert_int_equal(f->entry_count, 1);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM history WHERE why = 'quota'"),
			 1);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM audit WHERE who = 'guest'"), 1);
}

static void test_disk_hangs(void **state)
{
	struct fixture *f = *state;
	struct heard first = {0}, second = {0}, third = {0};

	f->config.wait_ms = 30;
	fixture_open(f);
	fixture_drain(f);
	disk_hang(true);
	put(f, 1, &first);
	wait_for(f, &first.times, 1);
	assert_int_equal(first.error, -ETIMEDOUT);
	assert_int_equal(f->failing, 1);
	put(f, 2, &second);
	wait_for(f, &second.times, 1);
	assert_int_equal(second.error, -ETIMEDOUT);
	assert_int_equal(store_drain(f->store, 10), -ETIMEDOUT);
	disk_hang(false);
	wait_for(f, &f->recovered, 1);
	f->config.wait_ms = 0;
	put(f, 3, &third);
	wait_for(f, &third.times, 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 3);
	assert_int_equal(first.times + second.times + third.times, 3);
}

/* Somebody has opened it with another program and holds it. */
static void test_locked(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {0};
	sqlite3 *db;

	fixture_open(f);
	fixture_drain(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 20000);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	put(f, 1, &heard);
	wait_for(f, &heard.times, 1);
	assert_int_equal(heard.error, -EBUSY);
	assert_int_equal(f->failing, 1);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	wait_for(f, &f->recovered, 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 1);
	assert_int_equal(fixture_moved(f), 0);
}

static void test_log_has_a_limit(void **state)
{
	struct fixture *f = *state;
	const int more = 7;
	struct heard heard = {0};

	f->config.wait_ms = 30;
	fixture_open(f);
	fixture_drain(f);
	disk_hang(true);
	put(f, 1, &heard);
	wait_for(f, &heard.times, 1);
	disk_wait_until_it_hangs(); /* else it would take some of what follows */
	for (int i = 0; i < STORE_PENDING_LOG_MAX + more; i++)
		assert_int_equal(store_audit(f->store, "guest", -1, "login", "guest", NULL, ""), 0);
	assert_int_equal(stats_of(f).pending, STORE_PENDING_LOG_MAX + 1);
	disk_hang(false);
	fixture_drain(f);
	assert_int_equal(stats_of(f).lost, more);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM audit WHERE who = 'guest'"),
			 STORE_PENDING_LOG_MAX);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM audit WHERE action = 'lost'"
					     " AND detail LIKE '%and 7 of the audit log%'"),
			 1);
}

struct history_heard {
	int times, error;
};

static void hear_history(void *data, int error, const struct store_ended *rows, size_t count)
{
	struct history_heard *h = data;

	(void)rows;
	(void)count;
	h->times++;
	h->error = error;
}

/* Who waits hears of the end. */
static void test_close_cancels(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {0};
	struct history_heard history = {0};

	fixture_open(f);
	fixture_drain(f);
	put(f, 1, &heard);
	assert_int_equal(store_history(f->store, 0, 0, 10, hear_history, &history), 0);
	fixture_close(f);
	assert_int_equal(heard.times, 1);
	assert_int_equal(heard.error, -ECANCELED);
	assert_int_equal(history.times, 1);
	assert_int_equal(history.error, -ECANCELED);
}

/* The child of one round: tells each session that is on the disk, until it is killed. */
static void write_number(void *data, int error)
{
	uint32_t *pair = data, n = pair[0];

	if (error == 0 && write((int)pair[1], &n, sizeof(n)) == sizeof(n))
		return;
	_exit(1);
}

static void child(struct fixture *f, uint32_t from, int fd)
{
	f->base = event_base_new();
	f->config.base = f->base;
	fixture_open(f);
	for (uint32_t n = from;; n++) {
		uint32_t *pair = malloc(2 * sizeof(*pair));
		struct store_session s = make_session(n);

		pair[0] = n;
		pair[1] = (uint32_t)fd;
		if (store_put_session(f->store, &s, write_number, pair) < 0)
			_exit(1);
		event_base_loop(f->base, n % 3 ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
	}
}

/* Kills a child at some moment; the sessions it told of: from up to the one returned. */
static uint32_t kill_one(struct fixture *f, uint32_t from, unsigned int after_us)
{
	int fds[2], status;
	uint32_t n, next = from;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		child(f, from, fds[1]);
	close(fds[1]);
	/* one that has begun to write */
	assert_int_equal(read(fds[0], &n, sizeof(n)), sizeof(n));
	usleep(after_us);
	kill(pid, SIGKILL);
	do {
		assert_int_equal(n, next);
		next++;
	} while (read(fds[0], &n, sizeof(n)) == sizeof(n));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return next;
}

static void test_kill(void **state)
{
	enum { ROUNDS = 25, GAP = 1000000 };
	struct fixture *f = *state;
	uint32_t ends[ROUNDS];

	srandom((unsigned int)time(NULL));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		ends[round] = kill_one(f, round * GAP, (unsigned int)random() % 30000);
		fixture_open(f);
		assert_int_equal(f->loaded, STORE_LOADED);
		size_t found = 0, told = ends[round] - round * GAP;

		for (size_t i = 0; i < f->session_count; i++) {
			uint32_t n = (uint32_t)(f->sessions[i].started_unix - 1795350000);

			if (n >= round * GAP && n < ends[round])
				found++;
		}
		if (found != told)
			fail_msg("round %u: %zu of %zu are there", round, found, told);
		fixture_close(f);
	}
}

static void test_100000_sessions(void **state)
{
	enum { COUNT = 100000 };
	struct fixture *f = *state;
	struct heard heard = {0};
	bool *seen = calloc(COUNT, sizeof(*seen));

	assert_non_null(seen);
	fixture_open(f);
	for (uint32_t n = 0; n < COUNT; n++)
		put(f, n, &heard);
	wait_for(f, &heard.times, COUNT);
	assert_int_equal(heard.error, 0);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		uint64_t n = f->sessions[i].started_unix - 1795350000;

		assert_true(n < COUNT && !seen[n]);
		seen[n] = true;
	}
	free(seen);
	assert_int_equal(store_usage(f->store, f->sessions, COUNT), 0);
	assert_int_equal(stats_of(f).pending, COUNT);
	fixture_drain(f);
	assert_int_equal(stats_of(f).pending, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_disk_fails_and_recovers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disk_hangs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_locked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_log_has_a_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_close_cancels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_100000_sessions, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
