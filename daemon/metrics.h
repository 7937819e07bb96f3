/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine counts, and how Prometheus is told of it (text exposition format 0.0.4).  Counters
 * begin at zero with each start; metrics.c has the table of all metrics.
 */
#pragma once

#include <stdint.h>

#include "common/proto_web.h"
#include "daemon/histogram.h"
#include "daemon/lag.h"

struct engine;

enum { METRICS_EVENTS = 11, METRICS_STATES = GUEST_FAILED + 1 };

struct metrics {
	uint64_t started_unix;
	uint64_t events[ZONES_MAX][METRICS_EVENTS];
	uint64_t logins[ZONES_MAX][METRICS_STATES]; /* by enum guest_state */
	uint64_t web[ZONES_MAX][WEB_COUNTS];	    /* of all workers */
	struct histogram accounting;		    /* questions to the gate and their answers */
	struct lag lag;
};

/* event: a name of common/control.h */
void metrics_event(struct metrics *m, uint32_t zone, const char *event);

/* What a worker counted.  -EBADMSG: there is no such zone. */
int metrics_web(struct metrics *m, size_t zones, const struct web_counts *counts);

/* All metrics as text, malloc()ed; NULL without memory. */
char *metrics_text(const struct engine *e);
