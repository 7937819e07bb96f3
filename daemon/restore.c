/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A few messages at a time are on their way, so that the channel to the gate never fills up; each
 * session is looked up when its turn comes, since it may have ended or changed by then.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/restore.h"
#include "daemon/session_comment.h"
#include "daemon/trust.h"

enum { WINDOW = 64 }; /* messages on their way */

struct restore {
	struct engine *engine;
	uint32_t round;
	void (*done)(struct engine *e); /* NULL: after a flush */
	uint64_t began_ms;
	size_t count, next, restored, waiting;
	size_t trusted; /* the keys from here on are those of trusted devices */
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

static bool describe_session(const struct restore *r, const struct session_key *key,
			     struct gate_change *msg)
{
	const struct session *s = sessions_find(&r->engine->sessions, key->zone, &key->mac);

	if (!s || s->ends_ms <= now_boot_ms())
		return false;
	msg->change.op = CHANGE_GRANT;
	msg->change.limits = s->limits;
	msg->change.used = s->used;
	msg->change.used.over = 0; /* may be that of a quota which it has no more */
	msg->element.ends_ms = s->ends_ms;
	session_comment(msg->change.comment, s->started, s->how, &s->limits, s->note);
	return true;
}

static bool describe_trusted(const struct restore *r, const struct session_key *key,
			     struct gate_change *msg)
{
	if (!trust_covers(r->engine, key->zone, &key->mac))
		return false;
	trust_describe(key->zone, &key->mac, msg);
	return true;
}

/* What is put back next; those that ended, or are trusted no more, are passed over.  False: no more. */
static bool take_next(struct restore *r, struct gate_change *ret_msg)
{
	while (r->next < r->count) {
		const bool trusted = r->next >= r->trusted;
		const struct session_key *key = &r->keys[r->next++];

		*ret_msg = (struct gate_change){.head = {MSG_GATE_CHANGE, 0},
						.change = {.zone = key->zone, .count = 1},
						.element = {.mac = key->mac}};
		if ((trusted ? describe_trusted : describe_session)(r, key, ret_msg))
			return true;
	}
	return false;
}

static void take_reply(void *data, const union msg *reply);

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
	struct gate_change msg;

	while (r->waiting < WINDOW && !is_void(r) && take_next(r, &msg)) {
		r->engine->restore_count++;
		if (gate_client_ask(&r->engine->gate, &msg.head, take_reply, r) < 0) {
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

static void start(struct engine *e, bool sessions, void (*done)(struct engine *e))
{
	const struct maclist *list = &e->lists[STORE_TRUST];
	const size_t count = (sessions ? HASH_COUNT(e->sessions.all) : 0) +
			     HASH_COUNT(list->all) * e->config->zone_count;
	struct restore *r = calloc(1, sizeof(*r) + count * sizeof(r->keys[0]));

	if (!r) {
		engine_fail(e, "out of memory");
		return;
	}
	for (const struct session *s = e->sessions.all; s && sessions; s = s->hh.next)
		r->keys[r->count++] = s->key;
	r->trusted = r->count;
	for (const struct listed *l = list->all; l; l = l->hh.next) {
		for (uint32_t zone = 0; zone < e->config->zone_count; zone++) {
			if (!l->entry.zone[0] ||
			    strcmp(l->entry.zone, e->config->zones[zone].name) == 0)
				r->keys[r->count++] =
					(struct session_key){.zone = zone, .mac = l->entry.mac};
		}
	}
	r->engine = e;
	r->round = e->flush_round;
	r->done = done;
	r->began_ms = now_boot_ms();
	go_on(r);
}

void restore_members(struct engine *e, bool sessions, void (*done)(struct engine *e))
{
	start(e, sessions, done);
}

void restore_flushed(void *engine, uint32_t round)
{
	struct engine *e = engine;

	e->flush_round = round;
	e->restore_count++;
	log_warning("the ruleset was flushed; putting %u session(s) back",
		    HASH_COUNT(e->sessions.all));
	start(e, true, NULL);
}
