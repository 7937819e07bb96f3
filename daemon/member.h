/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants and revokes: each is one transaction of the gate; what the kernel acknowledged goes into
 * the session table and to those who watch, and only then does the asker hear of it.  policy.c has
 * decided before.
 */
#pragma once

#include <stddef.h>

#include "daemon/engine.h"

/* error: 0, or negative errno from the gate (-EKEYREJECTED: somebody else opened the connection; -ESRCH: a
 * change, and the kernel has ended the session meanwhile); then nothing was changed.
 * replaced: how many had a session before. */
typedef void member_done_fn(void *data, int error, size_t replaced);

/* Who is behind a change, for the audit log. */
struct actor {
	const char *who; /* "guest", "portalctl", "portald" */
	int64_t uid;	 /* of the caller of portalctl; -1: none */
};
extern const struct actor actor_guest, actor_portald;

struct member_grant {
	struct actor by;
	uint32_t zone;
	enum session_how how;
	uint64_t seconds;
	struct limits limits;
	const char *note;
	const struct addr
		*opened_by;	/* NULL, or the guest's end of the connection; then count is 1 */
	const struct mac *macs; /* at most CHANGE_MAX */
	size_t count;
};

/* -ENOMEM: done will not be called. */
int member_grant(struct engine *e, const struct member_grant *grant, member_done_fn *done,
		 void *data);

/* Gives a session other limits, another rest of its time or another note; what it has used, how and
 * when it began stay, and no connection is cut. */
struct member_change {
	struct actor by;
	const char *event; /* "change" or "extend" */
	uint64_t left_ms;
	uint64_t booted_ms; /* the session's, if left_ms was counted from what it has left */
	struct limits limits;
	const char *note;
};
/* -ENOMEM; -ESRCH: it is ending or has ended in the kernel, and must not come back by this. */
int member_change(struct engine *e, const struct session *session,
		  const struct member_change *change, member_done_fn *done, void *data);

/* event: "revoke", "logout", "quota" or "idle".  Done comes after the conntrack entries are gone too.  MACs without
 * session are fine. */
int member_revoke(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
		  const struct actor *by, const char *event, member_done_fn *done, void *data);

/* Ends the sessions of devices of these that are blocked (one whose grant was under way when its device was
 * blocked), and members without an end. */
void member_end_blocked(struct engine *e, uint32_t zone, const struct mac *macs, size_t count);

/* For sessions.expired: the kernel's elements are gone by themselves. */
void member_expired(void *engine, struct session *session);
