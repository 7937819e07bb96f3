/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/engine.h"
#include "daemon/store.h"

struct persist {
	struct store *store;
	struct event *clock_set;
	bool failing;
	char trouble[256];
	bool loaded;
	/* while loading */
	struct store_clock last, now;
	uint64_t loaded_ms; /* CLOCK_BOOTTIME then */
	struct store_session *rows;
	size_t row_count, row_room;
	bool out_of_memory;
	size_t restored, ended, foreign;
	bool restarted; /* not rebooted: the last clock record is of this boot */
	/* the clock was behind the last record: what is left of sessions is to be corrected */
	bool clock_behind;
};

/* CLOCK_REALTIME when the second of the last clock record was over: a session had no more left then
 * than when it was written. */
uint64_t persist_last_ms(const struct persist *p);

/* Writes every session again; data: the engine. */
void persist_put_all(void *data);

/* From now on persist_check_clock() is called whenever the clock is set, and all rows are written by
 * the new one.  Negative errno. */
int persist_watch_clock(struct engine *e);
