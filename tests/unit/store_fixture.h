/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in a folder of its own, a look into its file that does not go through it, and a disk that
 * can be made to fail or to hang: fdatasync() and fsync() of SQLite end here. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "daemon/store.h"

struct fixture {
	char folder[64], path[96];
	struct event_base *base;
	struct store *store;
	struct store_config config;
	/* what was loaded */
	bool is_loaded;
	struct store_session *sessions;
	size_t session_count;
	struct store_entry entries[16];
	size_t entry_count;
	struct store_clock clock;
	enum store_loaded loaded;
	/* what was called */
	int failing, recovered, resyncs;
	char why[512];
};

/* A waiter. */
struct heard {
	int times, error;
};

void fixture_init(struct fixture *f);
/* Opens and loads; what was loaded before is forgotten. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
void fixture_finish(struct fixture *f);
void fixture_turn(struct fixture *f);
void fixture_drain(struct fixture *f);
uint64_t fixture_commits(struct fixture *f);
size_t fixture_files(const struct fixture *f, const char *part);
/* damaged databases, without their logs */
size_t fixture_moved(const struct fixture *f);

void hear(void *heard, int error);
struct store_session make_session(uint32_t n);
void assert_same_session(const struct store_session *a, const struct store_session *b);
/* NULL: it was not loaded */
const struct store_session *find_session(const struct fixture *f, uint32_t n);

void sql(const char *path, const char *text);
int64_t sql_number(const char *path, const char *text);

void disk_fail(int error); /* 0: no longer */
void disk_hang(bool hang);
/* After disk_hang(true): the thread has taken what was put, and is held by the disk. */
void disk_wait_until_it_hangs(void);
unsigned int disk_syncs(void);
