/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store is opened with, whom it gives what it has, and how it tells that it is. */
#pragma once

#include <stddef.h>

#include <event2/event.h>

#include "daemon/histogram.h"
#include "daemon/store_clock.h"
#include "daemon/store_row.h"

enum {
	STORE_HISTORY_MAX = 1000, /* rows of one answer */
	STORE_PENDING_LOG_MAX =
		200000, /* entries of history, and of audit, that one attempt writes;
					* as many more wait for the next */
};

struct store_config {
	const char *path; /* the folder must be the caller's; the file is made with mode 0600 */
	struct event_base *base;
	uint64_t history_days, audit_days; /* how long they are kept; 0: 400 */
	uint64_t flush_ms;		   /* how long usage may wait in memory; 0: 10 s */
	uint64_t retry_ms;		   /* between attempts while it fails; 0: 5 s */
	uint64_t wait_ms; /* a disk that does not answer for so long counts as failing; 0: 5 s */
	/* It fails, or no longer; `why` is for people.  Logged already. */
	void (*health)(void *data, bool ok, const char *why);
	/* The database is a fresh one: put all sessions and list entries again. */
	void (*resync)(void *data);
	void *data;
};

enum store_loaded {
	STORE_LOADED,
	STORE_DAMAGED,	  /* what could be read */
	STORE_UNREADABLE, /* nothing, or not all, was read */
};

/* All that there was. */
struct store_contents {
	enum store_loaded loaded;
	struct store_clock clock; /* of the last commit; an empty boot_id: there was none */
	struct store_session *sessions;
	size_t session_count;
	struct store_entry *entries;
	size_t entry_count;
};

/* To whom store_db_load() gives each row. */
struct store_loader {
	void (*session)(void *data, const struct store_session *session);
	void (*entry)(void *data, const struct store_entry *entry);
	void *data;
};

struct store_stats {
	uint64_t commits, commit_us; /* how many, and how long they took in all */
	uint64_t last_commit_us;
	struct histogram commit_time; /* the same in buckets */
	size_t pending;		      /* rows that are not on the disk yet */
	uint64_t lost;	      /* entries of history and audit beyond STORE_PENDING_LOG_MAX */
	uint64_t skipped;     /* rows of the database that could not be read at start */
	uint64_t moved_aside; /* damaged databases */
	int error;	      /* 0, or why it fails (negative errno) */
};
