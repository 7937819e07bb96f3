/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store keeps: plain structs between engine, queue and database.  Texts are UTF-8 without
 * control characters and end in NUL; times are seconds since 1970 unless their name says more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/proto.h"
#include "daemon/session.h"

enum {
	STORE_WORD_MAX = 32,	/* with its NUL: who, what, why */
	STORE_DETAIL_MAX = 256, /* with its NUL */
};

struct store_session {
	char zone[ZONE_NAME_MAX];
	struct mac mac;
	enum session_how how;
	char note[NOTE_MAX];
	uint64_t started_unix;
	uint64_t ends_unix;					 /* by the wall clock; 0: none */
	uint64_t left_ms;					 /* when it was saved */
	uint64_t idle_s;					 /* 0: none */
	uint64_t quota_up, quota_down, quota_total;		 /* bytes; 0: none */
	uint64_t rate_up, rate_down;				 /* bits a second; 0: none */
	uint64_t packets_up, packets_down, bytes_up, bytes_down; /* used */
	uint64_t last_active_unix;
	uint64_t booted_ms, length_ms; /* see session.h */
};

/* A session that has ended.  Of `session` are kept: who and how it was, since when, what it used. */
struct store_ended {
	uint64_t id; /* given when it is written; grows */
	struct store_session session;
	uint64_t used_ms;
	uint64_t ended_unix;
	char why[STORE_WORD_MAX]; /* "expiry", "revoke"... */
	uint64_t extended;	  /* how often its guest gave itself more time, by the audit log */
};

enum store_list { STORE_TRUST, STORE_BLOCK, STORE_LISTS };

struct store_entry {
	enum store_list list;
	char zone[ZONE_NAME_MAX]; /* "": all zones */
	struct mac mac;
	char note[NOTE_MAX];
	uint64_t added_unix;
};

struct store_audit {
	uint64_t id; /* the same */
	uint64_t unix_s;
	char who[STORE_WORD_MAX]; /* "guest", "portalctl", "expiry"... */
	int64_t uid;		  /* of the caller; -1: none */
	char action[STORE_WORD_MAX];
	char zone[ZONE_NAME_MAX]; /* "": none */
	struct mac mac;
	bool has_mac;
	char detail[STORE_DETAIL_MAX];
};

/* How it can be written, and read back: plain texts, a zone, a MAC that a guest can have. */
bool store_session_is_valid(const struct store_session *session);
bool store_entry_is_valid(const struct store_entry *entry);
