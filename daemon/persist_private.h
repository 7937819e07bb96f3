/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/persist.h"
#include "daemon/restore.h"
#include "daemon/store.h"

enum {
	PERSIST_JITTER_MS = 100,
	PERSIST_RECORD_MS = 1000, /* what a record of the clock does not tell */
	PERSIST_STEP_MS = 1000,	  /* who sets a clock by less has found it right */
};

struct loading;
struct settling;
struct filling;

struct persist {
	struct store *store;
	struct settling *settling;
	bool failing;
	char trouble[256];
	struct loading *loading; /* NULL: all sessions are in the table */
	struct filling *filling;
	bool loaded;
	bool put_all; /* while loading somebody asked for persist_put_all() */
	/* as it was when loading began */
	struct store_clock last, now;
	uint64_t loaded_ms;	 /* CLOCK_BOOTTIME then */
	uint64_t loaded_unix_ms; /* as the clock said then */
	bool restarted;		 /* not rebooted: the last clock record is of this boot */
};

/* Of a row, once loading has begun.  After a reboot, what the clock said then cannot be; or may have been saved when the
 * machine went off. */
bool persist_row_is_behind(const struct persist *p, const struct store_session *row);
bool persist_row_is_unsure(const struct persist *p, const struct store_session *row);
/* For session.booted_ms. */
uint64_t persist_row_booted_ms(const struct persist *p, const struct store_session *row);
/* Milliseconds that are left now; 0: it has ended. */
uint64_t persist_row_left_ms(const struct persist *p, const struct store_session *row);
/* After a restart, for session.active_ms: its guest could send while we were away; if it did, the kernel counted it. */
uint64_t persist_row_active_ms(const struct persist *p, const struct store_session *row);
/* The clock was set since the last record, in the same boot. */
bool persist_clock_was_set(const struct persist *p);

/* Begins to read the store. */
int persist_load_create(struct engine *e);
void persist_load_destroy(struct engine *e);

/* Writes every session again; data: the engine. */
void persist_put_all(void *data);
/* The same, or only those that the store lacks; done (may be NULL) comes later, once. */
typedef void persist_filled_fn(struct engine *e);
void persist_fill(struct engine *e, bool all, persist_filled_fn *done);
/* What is left of it, at once. */
void persist_fill_now(struct engine *e);
int persist_fill_create(struct engine *e);
void persist_fill_destroy(struct engine *e);

/* From now on persist_check_clock() is called whenever the clock is set, and all rows are written by
 * the new one.  Negative errno. */
int persist_clock_create(struct engine *e);
void persist_clock_destroy(struct engine *e);
