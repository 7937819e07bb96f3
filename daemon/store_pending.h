/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be written: the newest state of each session and list entry, so that it is bounded by
 * their number, and entries of history and audit, which are bounded by STORE_PENDING_LOG_MAX.
 */
#pragma once

#include "daemon/store.h"

enum pending_op {
	PENDING_PUT,
	PENDING_USAGE,
	PENDING_REMOVE,
};

enum pending_table { TABLE_SESSIONS, TABLE_LISTS };

struct pending_key {
	enum pending_table table;
	enum store_list list;
	char zone[ZONE_NAME_MAX];
	struct mac mac;
	uint16_t pad;
};

struct pending_row {
	struct pending_key key;
	enum pending_op op;
	union {
		struct store_session session;
		struct store_entry entry;
	};
	UT_hash_handle hh;
};

struct pending_log {
	struct pending_log *next;
	bool is_audit;
	union {
		struct store_ended ended;
		struct store_audit audit;
	};
};

struct pending {
	struct pending_row *rows;
	struct pending_log *first, *last; /* oldest first */
	size_t log_count[2];		  /* history, audit */
	uint64_t lost[2];		  /* the same, for want of room */
	uint64_t lost_id;		  /* of the audit entry that says so; 0: none yet */
};

/* -ENOMEM */
int pending_session(struct pending *p, enum pending_op op, const struct store_session *session);
int pending_entry(struct pending *p, enum pending_op op, const struct store_entry *entry);
int pending_ended(struct pending *p, const struct store_ended *ended);
int pending_audit(struct pending *p, const struct store_audit *audit);

/* Takes over the row that `urgent` is to have, with what `later` makes of it: a row is in one of the
 * two only.  -ENOMEM. */
int pending_hurry(struct pending *urgent, struct pending *p, enum pending_op op,
		  const struct store_session *session);
bool pending_has(const struct pending *p, const struct store_session *session);
/* Takes about `max` of it, the oldest first; the end of a session goes with its history. */
void pending_take(struct pending *p, size_t max, struct pending *ret_taken);
/* Puts what is newer on top; `newer` is empty afterwards. */
void pending_merge(struct pending *p, struct pending *newer);
/* For another database than the one that it was tried with. */
void pending_forget_ids(struct pending *p);
size_t pending_count(const struct pending *p);
void pending_finish(struct pending *p);
