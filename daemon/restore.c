/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A few messages at a time are on their way, so that the channel to the gate never fills up; each
 * session is looked up when its turn comes, since it may have ended or changed by then.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/restore.h"
#include "daemon/session_comment.h"

enum { WINDOW = 64 }; /* messages on their way */

struct restore {
	struct engine *engine;
	uint32_t round;
	void (*done)(struct engine *e); /* NULL: after a flush */
	uint64_t began_ms;
	size_t count, next, restored, waiting;
	struct session_key keys[];
};

static void restore_freep(struct restore **r)
{
	free(*r);
}

/* The kernel's sets were emptied meanwhile, and another round fills them. */
static bool is_void(const struct restore *r)
{
	return r->round != r->engine->flush_round;
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
	r->engine->restore_count++;
	return gate_client_ask(&r->engine->gate, &msg.head, take_reply, r);
}

static void opened(void *data, const union msg *reply)
{
	CLEANUP(restore_freep) struct restore *r = data;

	(void)reply;
	if (!is_void(r))
		log_warning("%zu session(s) are restored in %" PRIu64
			    " ms; the zones are open again",
			    r->restored, now_boot_ms() - r->began_ms);
}

static void finish(struct restore *r)
{
	struct gate_open open = {.head = {MSG_GATE_OPEN, 0}, .round = r->round};

	if (r->done) {
		r->done(r->engine);
		free(r);
	} else if (gate_client_ask(&r->engine->gate, &open.head, opened, r) < 0) {
		engine_fail(r->engine, "out of memory");
	}
}

static void go_on(struct restore *r)
{
	const uint64_t now = now_boot_ms();
	const struct session *s;

	while (r->waiting < WINDOW && !is_void(r) && (s = take_next(r, now))) {
		if (send_session(r, s, now) < 0) {
			engine_fail(r->engine, "out of memory");
			return;
		}
		r->waiting++;
	}
	if (r->waiting == 0)
		finish(r);
}

static void take_reply(void *data, const union msg *reply)
{
	struct restore *r = data;

	r->waiting--;
	r->restored += reply->gate_done.error == 0;
	if (reply->gate_done.error < 0 &&
	    !is_void(r)) /* the kernel's word counts: start again from it */
		engine_fail(r->engine, "cannot restore the sessions: %s", reply->gate_done.text);
	else
		go_on(r);
}

static void start(struct engine *e, void (*done)(struct engine *e))
{
	const size_t count = HASH_COUNT(e->sessions.all);
	struct restore *r = calloc(1, sizeof(*r) + count * sizeof(r->keys[0]));

	if (!r) {
		engine_fail(e, "out of memory");
		return;
	}
	for (const struct session *s = e->sessions.all; s; s = s->hh.next)
		r->keys[r->count++] = s->key;
	r->engine = e;
	r->round = e->flush_round;
	r->done = done;
	r->began_ms = now_boot_ms();
	go_on(r);
}

void restore_sessions(struct engine *e, void (*done)(struct engine *e))
{
	start(e, done);
}

void restore_flushed(void *engine, uint32_t round)
{
	struct engine *e = engine;

	e->flush_round = round;
	e->restore_count++;
	log_warning("the ruleset was flushed; putting %u session(s) back",
		    HASH_COUNT(e->sessions.all));
	start(e, NULL);
}
