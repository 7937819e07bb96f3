/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session: what the engine knows of a member beyond the kernel's sets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* the default one falls through switch labels, which clang warns of */
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#include "common/addr.h"
#include "common/proto.h"

enum session_how { HOW_LOGIN, HOW_GRANT };

struct sessions;

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
	/* What it has used and what it has left, in milliseconds: goes by no clock that anybody sets.  0: an earlier
	 * version began it, and did not say. */
	uint64_t length_ms;
	char note[NOTE_MAX];
	struct limits limits;
	struct counters used; /* as of the last time that the kernel was asked */
	struct counters kept; /* as the store has it */
	bool endless;	      /* found so in the kernel, and not trusted: must go */
	bool found;	      /* in the kernel, and not counted yet since the start */
	bool told;     /* the kernel's comment had all of it at start, except for its counters, */
	bool note_cut; /* and perhaps for the end of its note */
	bool in_store; /* was there at start, */
	bool stale;    /* and not as it is */
	bool too_long; /* in the kernel, until it is put back */
	/* 0, or: the clock was behind when the machine had been off, or may have been, and the time away is still
	 * to be taken off.  What is left is right if this boot began then (milliseconds since 1970), the earliest
	 * that it can have; in the store, and in the kernel's comment. */
	uint64_t booted_ms;
	uint32_t asked;	 /* grants and changes that the gate has not answered yet */
	uint32_t ending; /* revokes of it that the gate has not answered yet */
	uint32_t round;	 /* the kernel has it since so many flushes of the ruleset; see restore.h */
	uint64_t put_back;   /* the last message of restore.c's that had it */
	uint64_t active_ms;  /* CLOCK_BOOTTIME: when it was seen to have sent more than before */
	struct addr seen[2]; /* the address of its last request, IPv4 and IPv6; family 0: none */
	struct sessions *table;
	size_t place; /* in the heap */
	TAILQ_ENTRY(session) of_zone;
	UT_hash_handle hh;
};

uint64_t session_left_ms(const struct session *s);
uint64_t session_seconds_left(const struct session *s);
uint64_t session_seconds_used(const struct session *s);
/* What a session has used if left_ms are left.  If its length is not known: by the clock, which says unix_s. */
uint64_t session_used_ms(uint64_t length_ms, uint64_t left_ms, uint64_t started, uint64_t unix_s);
void session_saw(struct session *s, const struct addr *addr);
const char *session_how_name(enum session_how how);

/* Takes what the kernel counted, if it had the session. */
void session_count(struct session *s, const struct counters *used);
