/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: what must survive a restart, in an SQLite database.  A thread of its own takes all that
 * is queued, writes it in one transaction, and reports when it is on the disk; nothing here blocks
 * the event loop but store_drain() at the end.
 *
 * A database that cannot be written (full, read-only, locked) stops nothing: what is to be written
 * stays in memory, the newest for each session and list entry, and is written when it can be again.
 * A damaged one is moved aside (PATH.corrupt-TIME) and a fresh one takes its place.
 *
 * All functions and callbacks belong to the event loop's thread; no callback is called from within
 * the function that it was given to, but store_drain() and store_close() call those outstanding.
 */
#pragma once

#include <stddef.h>

#include "daemon/store_config.h"

struct store;

/* error: 0: on the disk; else it is kept in memory until the disk takes it (-ENOSPC, -EROFS, -EIO,
 * -ETIMEDOUT...), or, -ECANCELED, the store was closed before. */
typedef void store_done_fn(void *data, int error);
/* Rows by the time of their end, oldest first; count < the limit: there are no more. */
typedef void store_history_fn(void *data, int error, const struct store_ended *rows, size_t count);

/* -ENOMEM, or -errno of eventfd.  No state of the database is an error. */
int store_open(const struct store_config *config, struct store **ret_store);
/* error: 0 or -ENOMEM.  What is taken out of contents is the callee's; the rest is freed. */
typedef void store_loaded_fn(void *data, int error, struct store_contents *contents);
/* Once, after privileges were given away: the thread keeps what its caller has.  fn is called when it has
 * read all; what is queued before is written after that.  -EAGAIN (no thread). */
int store_load(struct store *s, store_loaded_fn *fn, void *data);
void store_contents_finish(struct store_contents *c);
/* Waits until all is written that was queued, or one attempt failed; calls outstanding callbacks.
 * -ETIMEDOUT or why it failed. */
int store_drain(struct store *s, uint64_t timeout_ms);
/* What is not written is lost: drain before. */
void store_close(struct store *s);
void store_get_stats(struct store *s, struct store_stats *ret_stats);

/* What is put between the two goes into one transaction, with all that waits. */
void store_begin_all(struct store *s);
void store_end_all(struct store *s);

/* The following return -ENOMEM, or -EINVAL (a text that is not plain, no zone), and then call
 * nothing; done may be NULL.  They copy what they are given. */

/* Adds, or replaces the one of the same zone and MAC. */
int store_put_session(struct store *s, const struct store_session *session, store_done_fn *done,
		      void *data);
/* `last` as it was at its end: it goes from the sessions to the history. */
int store_end_session(struct store *s, const struct store_session *last, uint64_t ended_unix,
		      const char *why, store_done_fn *done, void *data);
/* left_ms, what was used and last_active_unix of sessions that were put; written within flush_ms,
 * together with whatever else is. */
int store_usage(struct store *s, const struct store_session *rows, size_t count);
int store_put_entry(struct store *s, const struct store_entry *entry, store_done_fn *done,
		    void *data);
int store_remove_entry(struct store *s, const struct store_entry *entry, store_done_fn *done,
		       void *data);
/* mac may be NULL.  Bytes that are not printable ASCII become '?' in a text that is not plain. */
int store_audit(struct store *s, const char *who, int64_t uid, const char *action, const char *zone,
		const struct mac *mac, const char *detail);
/* Sessions that ended at since_unix or later, after the row (ended_unix, id) = (since_unix,
 * after_id); after_id 0: all.  At most `limit` and STORE_HISTORY_MAX rows. */
int store_history(struct store *s, uint64_t since_unix, uint64_t after_id, size_t limit,
		  store_history_fn *fn, void *data);
