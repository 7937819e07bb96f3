/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's database file.  One thread at a time.  Errors are negative errno, with a text for
 * people: -EUCLEAN: the file is damaged, or is no database of ours; -ESTALE: it is no longer the
 * file at its path; -ENOTSUP: a newer portald's; else the disk's (-ENOSPC, -EROFS, -EIO...), and a
 * later attempt may succeed.  Nothing that stands in the file is trusted.
 */
#pragma once

#include "daemon/store_pending.h"

enum { STORE_TEXT_MAX = 512 };

struct store_error {
	char text[STORE_TEXT_MAX];
};

struct store_db;

/* Creates it, or brings it up to our version.  One of a newer version is not written to. */
int store_db_open(const char *path, struct store_db **ret_db, struct store_error *error);
/* To read what is there if it cannot be written. */
int store_db_open_readonly(const char *path, struct store_db **ret_db, struct store_error *error);
void store_db_close(struct store_db *db);

/* Gives the loader what can be read, also of a damaged file.  ret_skipped: rows that cannot have
 * been written by us. */
int store_db_load(struct store_db *db, const struct store_loader *loader,
		  struct store_clock *ret_clock, uint64_t *ret_skipped, struct store_error *error);
/* All of it and the clocks now, in one transaction; 0: it is on the disk.  Else try again with the
 * same, and what came on top of it. */
int store_db_write(struct store_db *db, struct pending *pending, struct store_error *error);
/* Removes some of what ended, or was done, before these times (a bounded number at a time). */
int store_db_trim(struct store_db *db, uint64_t ended_before, uint64_t audit_before,
		  struct store_error *error);
/* Sessions that nobody loaded go to the history, as "lost". */
int store_db_lose_sessions(struct store_db *db, struct store_error *error);
/* As store_history(); ret_rows has room for `limit`. */
int store_db_history(struct store_db *db, uint64_t since_unix, uint64_t after_id, size_t limit,
		     struct store_ended *ret_rows, size_t *ret_count, struct store_error *error);

/* Renames a damaged file and its -wal and -shm; never over another file.  -errno. */
int store_db_move_aside(const char *path, struct store_error *error);
/* The same for a file that is gone: its log must not be taken for another's. */
int store_db_move_log_aside(const char *path, struct store_error *error);
