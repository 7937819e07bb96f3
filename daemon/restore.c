/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A few messages at a time are on their way, so that the channel to the gate never fills up; each
 * session is looked up when its turn comes, since it may have ended or changed by then.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/restore.h"

enum { WINDOW = 64 }; /* messages on their way */

struct restore {
	struct engine *engine;
	restore_done_fn *done;
	int error;
	size_t count, next, restored, waiting;
	struct session_key keys[];
};

static struct restore *restore_create(struct engine *e, restore_done_fn *done)
{
	const size_t count = HASH_COUNT(e->sessions.all);
	struct restore *r = calloc(1, sizeof(*r) + count * sizeof(r->keys[0]));

	if (!r)
		return NULL;
	for (const struct session *s = e->sessions.all; s; s = s->hh.next)
		r->keys[r->count++] = s->key;
	r->engine = e;
	r->done = done;
	return r;
}

/* The session whose turn it is; those that ended meanwhile are passed over.  NULL: no more. */
static const struct session *take_next(struct restore *r, uint64_t now)
{
	while (r->next < r->count) {
		const struct session_key *key = &r->keys[r->next++];
		const struct session *s = sessions_find(&r->engine->sessions, key->zone, &key->mac);

		if (s && s->ends_ms > now)
			return s;
	}
	return NULL;
}

static void take_reply(void *data, const union msg *reply);

static int send_session(struct restore *r, const struct session *s, uint64_t now)
{
	struct gate_change msg = {
		.head = {MSG_GATE_CHANGE, 0},
		.change = {.op = CHANGE_GRANT,
			   .zone = s->key.zone,
			   .count = 1,
			   .limits = s->limits,
			   .used = s->used},
		.element = {.mac = s->key.mac, .timeout_ms = s->ends_ms - now},
	};

	session_comment(msg.change.comment, s->started, s->how, &s->limits, s->note);
	return gate_client_ask(&r->engine->gate, &msg.head, take_reply, r);
}

static void go_on(struct restore *r)
{
	const uint64_t now = now_boot_ms();
	const struct session *s;

	while (r->waiting < WINDOW && r->error == 0 && (s = take_next(r, now))) {
		r->error = send_session(r, s, now);
		r->waiting += r->error == 0;
	}
	if (r->waiting > 0)
		return;
	r->done(r->engine, r->restored, r->error);
	free(r);
}

static void take_reply(void *data, const union msg *reply)
{
	struct restore *r = data;

	r->waiting--;
	if (reply->gate_done.error == 0)
		r->restored++;
	else if (r->error == 0)
		r->error = reply->gate_done.error;
	go_on(r);
}

void restore_sessions(struct engine *e, restore_done_fn *done)
{
	struct restore *r = restore_create(e, done);

	if (r)
		go_on(r);
	else
		done(e, 0, -ENOMEM);
}
