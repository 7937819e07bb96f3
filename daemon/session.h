/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's table of sessions: what it knows beyond the kernel's sets.  The kernel alone decides
 * what passes; this table is filled from it at start, and each session ends here at the same time as
 * its elements there, or soon after: when many end at once, a few in each turn of the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>

/* the default one falls through switch labels, which clang warns of */
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/proto.h"
#include "daemon/session_heap.h"

enum session_how { HOW_LOGIN, HOW_GRANT };

struct session_key {
	uint32_t zone;
	struct mac mac;
	uint16_t pad;
};

struct session {
	struct session_key key;
	enum session_how how;
	uint64_t started; /* seconds since 1970 */
	uint64_t ends_ms; /* CLOCK_BOOTTIME, milliseconds */
	char note[NOTE_MAX];
	struct limits limits;
	struct counters used; /* as of the last time that the kernel was asked */
	struct counters kept; /* as the store has it */
	bool endless;	      /* found so in the kernel, and not trusted: must go */
	bool found;	      /* in the kernel, and not counted yet since the start */
	bool ending;	      /* the gate was asked to revoke it */
	bool in_store;	      /* was there at start */
	bool restored;	      /* from the store alone, and the clock may be behind */
	bool too_long;	      /* in the kernel, until it is put back */
	uint32_t round; /* the kernel has it since so many flushes of the ruleset; see restore.h */
	uint64_t put_back;   /* the last message of restore.c's that had it */
	uint64_t active_ms;  /* CLOCK_BOOTTIME: when it was seen to have sent more than before */
	struct addr seen[2]; /* the address of its last request, IPv4 and IPv6; family 0: none */
	struct sessions *table;
	size_t place; /* in the heap */
	TAILQ_ENTRY(session) of_zone;
	UT_hash_handle hh;
};

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

uint64_t now_unix(void);

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

uint64_t session_seconds_left(const struct session *s);
uint64_t session_seconds_used(const struct session *s);
void session_saw(struct session *s, const struct addr *addr);
const char *session_how_name(enum session_how how);

/* Takes what the kernel counted, if it had the session. */
void session_count(struct session *s, const struct counters *used);
