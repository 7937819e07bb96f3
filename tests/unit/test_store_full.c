/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A full file system, and a read-only one: a small tmpfs over the store's folder, in a mount namespace of our own.  Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

enum { SKIPPED = 77 };

static int set_up(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	fixture_init(f);
	assert_int_equal(mount("tmpfs", f->folder, "tmpfs", 0, "size=2m,mode=0700"), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	assert_int_equal(umount2(f->folder, MNT_DETACH), 0);
	fixture_finish(f);
	free(f);
	return 0;
}

static void set_readonly(struct fixture *f, bool readonly)
{
	assert_int_equal(
		mount(NULL, f->folder, NULL, MS_REMOUNT | (readonly ? MS_RDONLY : 0), NULL), 0);
}

static void filler_path(const struct fixture *f, char path[static 128])
{
	snprintf(path, 128, "%s/filler", f->folder);
}

static void fill_disk(struct fixture *f)
{
	static const char block[4096];
	char path[128];

	filler_path(f, path);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		continue;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void make_room(struct fixture *f)
{
	char path[128];

	filler_path(f, path);
	assert_int_equal(unlink(path), 0);
}

static void put(struct fixture *f, uint32_t n, struct heard *heard)
{
	struct store_session s = make_session(n);

	assert_int_equal(store_put_session(f->store, &s, heard ? hear : NULL, heard), 0);
}

static void wait_for(struct fixture *f, const int *times, int wanted)
{
	while (*times < wanted)
		fixture_turn(f);
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {0}, again = {0};
	uint32_t n = 0;

	fixture_open(f);
	put(f, n++, NULL);
	fixture_drain(f);
	fill_disk(f);
	/* until the log's file needs more room */
	while (heard.error == 0) {
		int before = heard.times;

		put(f, n++, &heard);
		wait_for(f, &heard.times, before + 1);
	}
	assert_int_equal(heard.error, -ENOSPC);
	assert_int_equal(f->failing, 1);
	assert_non_null(strstr(f->why, "full"));
	for (int i = 0; i < 100; i++)
		put(f, n++, &again);
	wait_for(f, &again.times, 100);
	assert_int_equal(again.error, -ENOSPC);
	make_room(f);
	wait_for(f, &f->recovered, 1);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count, n);
	assert_int_equal(fixture_moved(f), 0);
}

/* What is there is read all the same. */
static void test_full_at_start(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {0};

	fixture_open(f);
	put(f, 1, NULL);
	fixture_drain(f);
	fixture_close(f);
	fill_disk(f);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count, 1);
	put(f, 2, &heard);
	wait_for(f, &heard.times, 1);
	assert_int_equal(heard.error, -ENOSPC);
	assert_int_equal(f->failing, 1);
	make_room(f);
	wait_for(f, &f->recovered, 1);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 2);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM history"), 0);
}

static void test_full_without_database(void **state)
{
	struct fixture *f = *state;

	fill_disk(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 0);
	put(f, 1, NULL);
	wait_for(f, &f->failing, 1);
	make_room(f);
	wait_for(f, &f->recovered, 1);
	fixture_drain(f);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 1);
}

static void test_readonly(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {0};

	fixture_open(f);
	put(f, 1, NULL);
	fixture_drain(f);
	fixture_close(f);
	set_readonly(f, true);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count, 1);
	assert_string_not_equal(f->clock.boot_id, "");
	put(f, 2, &heard);
	wait_for(f, &heard.times, 1);
	assert_int_equal(heard.error, -EROFS);
	assert_int_equal(f->failing, 1);
	set_readonly(f, false);
	wait_for(f, &f->recovered, 1);
	fixture_drain(f);
	assert_int_equal(f->resyncs, 0);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 2);
}

#define BACK_TO_3                                                                                  \
	"ALTER TABLE clock DROP COLUMN synchronised;"                                              \
	"ALTER TABLE sessions DROP COLUMN length_ms; ALTER TABLE history DROP COLUMN used_ms;"     \
	"PRAGMA user_version = 3;"
#define BACK_TO_1                                                                                  \
	BACK_TO_3 "ALTER TABLE sessions DROP COLUMN booted; DROP INDEX audit_extend;"              \
		  "PRAGMA user_version = 1;"

/* One of a version before, which cannot be brought up to ours for now: what is in it is loaded. */
static void readonly_and_older(struct fixture *f, const char *back, uint64_t booted_ms)
{
	const struct store_session ended = make_session(3);

	fixture_open(f);
	put(f, 1, NULL);
	assert_int_equal(
		store_end_session(f->store, &ended, ended.started_unix + 100, "expiry", NULL, NULL),
		0);
	fixture_drain(f);
	fixture_close(f);
	sql(f->path, back);
	set_readonly(f, true);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_LOADED);
	assert_int_equal(f->session_count, 1);
	assert_string_not_equal(f->clock.boot_id, "");
	assert_int_equal(f->sessions[0].booted_ms, booted_ms);
	assert_int_equal(f->sessions[0].length_ms, 0);
	put(f, 2, NULL);
	wait_for(f, &f->failing, 1);
	set_readonly(f, false);
	wait_for(f, &f->recovered, 1);
	fixture_drain(f);
	fixture_close(f);
	assert_int_equal(sql_number(f->path, "PRAGMA user_version"), 5);
	assert_int_equal(sql_number(f->path, "SELECT used_ms FROM history"), 100000);
	fixture_open(f);
	assert_int_equal(f->session_count, 2);
}

static void test_readonly_and_version_3(void **state)
{
	readonly_and_older(*state, BACK_TO_3, make_session(1).booted_ms);
}

static void test_readonly_and_version_1(void **state)
{
	readonly_and_older(*state, BACK_TO_1, 0);
}

static void test_readonly_without_database(void **state)
{
	struct fixture *f = *state;

	set_readonly(f, true);
	fixture_open(f);
	assert_int_equal(f->loaded, STORE_UNREADABLE);
	put(f, 1, NULL);
	wait_for(f, &f->failing, 1);
	set_readonly(f, false);
	wait_for(f, &f->recovered, 1);
	fixture_drain(f);
	/* nothing was there, but who knows: all is put again */
	assert_int_equal(f->resyncs, 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 1);
}

/* A damaged one on a disk that takes no other name for it. */
static void test_readonly_and_damaged(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd,
			       "this is not a database, whatever else it may be; "
			       "and it goes on for more than a hundred bytes, like a header of one",
			       115),
			 115);
	close(fd);
	set_readonly(f, true);
	fixture_open(f);
	wait_for(f, &f->failing, 1);
	put(f, 1, NULL);
	set_readonly(f, false);
	wait_for(f, &f->recovered, 1);
	fixture_drain(f);
	assert_int_equal(f->resyncs, 1);
	assert_int_equal(fixture_moved(f), 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->session_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_at_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_without_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readonly, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readonly_and_version_3, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readonly_and_version_1, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readonly_without_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readonly_and_damaged, set_up, tear_down),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
