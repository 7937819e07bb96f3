/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's table of sessions: what it knows beyond the kernel's sets.  The kernel alone decides
 * what passes; this table is filled from it at start, and each session ends here by a timer at the
 * same time as its elements there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

/* the default one falls through switch labels, which clang warns of */
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#include "common/addr.h"
#include "common/proto.h"

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
	uint64_t active_ms;   /* CLOCK_BOOTTIME: when it was seen to have sent more than before */
	struct addr seen[2];  /* the address of its last request, IPv4 and IPv6; family 0: none */
	struct sessions *table;
	struct event *timer;
	UT_hash_handle hh;
};

/* Of all sessions of a zone, those that have ended included; since the start. */
struct zone_traffic {
	size_t count; /* of those that have not */
	uint64_t packets_up, bytes_up, packets_down, bytes_down;
};

struct sessions {
	struct event_base *base;
	struct session *all;
	struct zone_traffic zones[ZONES_MAX];
	/* its time is up; must end in sessions_remove() */
	void (*expired)(void *data, struct session *session);
	void *data;
};

uint64_t now_boot_ms(void);
uint64_t now_unix(void);

struct session *sessions_find(const struct sessions *t, uint32_t zone, const struct mac *mac);
/* Adds or replaces; left_ms from now.  NULL without memory. */
struct session *sessions_put(struct sessions *t, uint32_t zone, const struct mac *mac,
			     uint64_t left_ms);
void sessions_remove(struct sessions *t, struct session *s);
void sessions_finish(struct sessions *t);

uint64_t session_seconds_left(const struct session *s);
uint64_t session_seconds_used(const struct session *s);
void session_saw(struct session *s, const struct addr *addr);
const char *session_how_name(enum session_how how);

/* Takes what the kernel counted. */
void session_count(struct session *s, const struct counters *used);
