/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's table of sessions.  The kernel alone decides what passes; this table is filled from it at start,
 * and each session ends here at the same time as its elements there, or soon after: when many end at once, a few
 * in each turn of the loop.
 */
#pragma once

#include <event2/event.h>

#include "common/clock.h"
#include "daemon/session.h"
#include "daemon/session_heap.h"

/* Of all sessions of a zone, those that have ended included; since the start. */
struct zone_traffic {
	size_t count; /* of those that have not */
	uint64_t packets_up, bytes_up, packets_down, bytes_down;
};

TAILQ_HEAD(session_list, session);

/* A way through the table that may take several turns of the loop. */
struct sessions_walk {
	struct sessions *table;
	uint32_t zone, end;
	struct session *next; /* NULL: the first of a zone, or the end */
	bool begun;	      /* the zone is */
	LIST_ENTRY(sessions_walk) entry;
};
LIST_HEAD(sessions_walks, sessions_walk);

struct sessions {
	struct event *timer; /* for the next end */
	bool held;	     /* none ends here before sessions_release() */
	struct session *all;
	struct session_heap ends;
	struct sessions_walks walks;
	struct session_list lists[ZONES_MAX]; /* oldest first */
	struct zone_traffic zones[ZONES_MAX];
	/* its time is up; must end in sessions_remove(), or give it another end */
	void (*expired)(void *data, struct session *session);
	void *data;
};

/* -ENOMEM */
int sessions_init(struct sessions *t, struct event_base *base);

/* Those whose time was up meanwhile end now. */
void sessions_release(struct sessions *t);

struct session *sessions_find(const struct sessions *t, uint32_t zone, const struct mac *mac);
/* Adds or replaces; ends_ms: CLOCK_BOOTTIME.  NULL without memory. */
struct session *sessions_put(struct sessions *t, uint32_t zone, const struct mac *mac,
			     uint64_t ends_ms);
void sessions_remove(struct sessions *t, struct session *s);
/* Takes one that was not initialised. */
void sessions_finish(struct sessions *t);

/* All sessions of the zones [zone, end), zone by zone; those that are added meanwhile may be among
 * them, those that are removed are not.  NULL: no more.  Each begin needs its end. */
void sessions_walk_begin(struct sessions_walk *w, struct sessions *t, uint32_t zone, uint32_t end);
struct session *sessions_walk_next(struct sessions_walk *w);
/* The one that the last call gave comes once more. */
void sessions_walk_back(struct sessions_walk *w, struct session *last);
void sessions_walk_end(struct sessions_walk *w);
