/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message is filled with members that are looked up at that moment, since they may have ended or
 * changed before their turn came.  The gate works in the order of asking, so a session counts as
 * there once its message has left, and few of them are on their way at a time, because a login waits
 * for all of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/restore.h"
#include "daemon/session_comment.h"
#include "daemon/trust.h"

enum { WINDOW = 2 }; /* messages on their way: one that the gate works on, and the next */

struct restore {
	struct engine *engine;
	uint32_t round;
	void (*done)(struct engine *e); /* NULL: after a flush */
	uint64_t began_ms;
	size_t waiting, restored;
	struct sessions_walk walk;
	size_t count, at;
	struct session_key trusted[];
};

static void restore_free(struct restore *r)
{
	sessions_walk_end(&r->walk);
	free(r);
}

/* The kernel's sets were emptied meanwhile, and another round fills them. */
static bool is_void(const struct restore *r)
{
	return r->round != r->engine->flush_round;
}

static struct gate_restore *message_new(void)
{
	struct gate_restore *msg = calloc(1, sizeof(*msg));

	if (msg)
		msg->head.type = MSG_GATE_RESTORE;
	return msg;
}

static void message_freep(struct gate_restore **msg)
{
	free(*msg);
}

static bool is_lacking(const struct engine *e, const struct session *s)
{
	return s->round != e->flush_round && s->ends_ms > now_boot_ms();
}

/* The message is about to leave. */
static void add_session(struct engine *e, struct gate_restore *msg, struct session *s)
{
	struct lost_member *m = &msg->members[msg->count++];

	msg->zone = s->key.zone;
	m->mac = s->key.mac;
	m->ends_ms = s->ends_ms;
	m->limits = s->limits;
	m->used = s->used;
	m->used.over = 0; /* may be that of a quota which it has no more */
	session_comment(m->comment, s->started, s->how, s->booted_ms, s->length_ms, &s->limits,
			s->note);
	s->round = e->flush_round;
	s->too_long = false;
	s->put_back = e->restore_count;
}

static void fill_with_sessions(struct restore *r, struct gate_restore *msg)
{
	struct engine *e = r->engine;
	struct session *s;

	while (msg->count < RESTORE_MAX && (s = sessions_walk_next(&r->walk))) {
		if (is_lacking(e, s) && msg->count > 0 && s->key.zone != msg->zone) {
			sessions_walk_back(&r->walk, s);
			return;
		}
		if (is_lacking(e, s))
			add_session(e, msg, s);
	}
}

static void fill_with_trusted(struct restore *r, struct gate_restore *msg)
{
	struct engine *e = r->engine;

	for (; r->at < r->count && msg->count < RESTORE_MAX; r->at++) {
		const struct session_key *key = &r->trusted[r->at];

		if (!trust_covers(e, key->zone, &key->mac))
			continue;
		if (msg->count > 0 && key->zone != msg->zone)
			return;
		msg->zone = key->zone;
		trust_describe(&key->mac, &msg->members[msg->count++]);
		e->trusted_put_back = e->restore_count;
	}
}

static void take_reply(void *data, const union msg *reply);

/* 1: a message left; 0: there is nothing more to put back. */
static int send_next(struct restore *r)
{
	CLEANUP(message_freep) struct gate_restore *msg = message_new();

	if (!msg)
		return -ENOMEM;
	r->engine->restore_count++;
	fill_with_sessions(r, msg);
	if (msg->count == 0)
		fill_with_trusted(r, msg);
	if (msg->count == 0)
		return 0;
	r->restored += msg->count;
	int error = gate_client_ask(&r->engine->gate, &msg->head, take_reply, r);

	return error < 0 ? error : 1;
}

static void opened(void *data, const union msg *reply)
{
	struct restore *r = data;

	(void)reply;
	if (r->done)
		r->done(r->engine);
	else if (!is_void(r))
		log_warning("%zu session(s) are restored in %" PRIu64
			    " ms; the zones are open again",
			    r->restored, now_boot_ms() - r->began_ms);
	restore_free(r);
}

/* The gate works in the order of asking: all members are there.  A round that is void opens nothing, nor
 * does one without a flush, where nothing is closed. */
static void finish(struct restore *r)
{
	struct gate_open open = {.head = {MSG_GATE_OPEN, 0}, .round = r->round};

	if (gate_client_ask(&r->engine->gate, &open.head, opened, r) < 0)
		engine_fail(r->engine, "out of memory");
}

static void go_on(struct restore *r)
{
	int sent = 1;

	while (r->waiting < WINDOW && !is_void(r) && sent > 0) {
		sent = send_next(r);
		r->waiting += sent > 0;
	}
	if (sent < 0)
		engine_fail(r->engine, "out of memory");
	else if (r->waiting == 0)
		finish(r);
}

static void take_reply(void *data, const union msg *reply)
{
	struct restore *r = data;

	r->waiting--;
	if (reply->gate_done.error < 0 &&
	    !is_void(r)) /* the kernel's word counts: start again from it */
		engine_fail(r->engine, "cannot restore the sessions: %s", reply->gate_done.text);
	else
		go_on(r);
}

static void note_trusted(struct restore *r)
{
	const struct engine *e = r->engine;

	for (uint32_t zone = 0; zone < e->config->zone_count; zone++) {
		for (const struct listed *l = e->lists[STORE_TRUST].all; l; l = l->hh.next) {
			if (!l->entry.zone[0] ||
			    strcmp(l->entry.zone, e->config->zones[zone].name) == 0)
				r->trusted[r->count++] =
					(struct session_key){.zone = zone, .mac = l->entry.mac};
		}
	}
}

void restore_members(struct engine *e, void (*done)(struct engine *e))
{
	const size_t count = HASH_COUNT(e->lists[STORE_TRUST].all) * e->config->zone_count;
	struct restore *r = calloc(1, sizeof(*r) + count * sizeof(r->trusted[0]));

	if (!r) {
		engine_fail(e, "out of memory");
		return;
	}
	r->engine = e;
	r->round = e->flush_round;
	r->done = done;
	r->began_ms = now_boot_ms();
	note_trusted(r);
	sessions_walk_begin(&r->walk, &e->sessions, 0, ZONES_MAX);
	go_on(r);
}

void restore_flushed(void *engine, uint32_t round)
{
	struct engine *e = engine;

	e->flush_round = round;
	e->trusted_put_back = ++e->restore_count;
	if (!e->loaded) {
		log_warning(
			"the ruleset was flushed; the zones stay closed until the sessions are read");
		return;
	}
	log_warning("the ruleset was flushed; putting %u session(s) back",
		    HASH_COUNT(e->sessions.all));
	restore_members(e, NULL);
}

static void put_first(void *data, const union msg *reply)
{
	struct engine *e = data;

	if (reply->gate_done.error < 0)
		engine_fail(e, "cannot restore a session: %s", reply->gate_done.text);
}

static int send_first(struct engine *e, struct gate_restore *msg)
{
	int r = msg->count > 0 ? gate_client_ask(&e->gate, &msg->head, put_first, e) : 0;

	msg->count = 0;
	return r;
}

int restore_first(struct engine *e, uint32_t zone, const struct mac *macs, size_t count)
{
	CLEANUP(message_freep) struct gate_restore *msg = NULL;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct session *s = sessions_find(&e->sessions, zone, &macs[i]);

		if (!s || !is_lacking(e, s))
			continue;
		if (!msg)
			msg = message_new();
		if (!msg)
			return -ENOMEM;
		if (msg->count == 0)
			e->restore_count++;
		add_session(e, msg, s);
		if (msg->count == RESTORE_MAX)
			r = send_first(e, msg);
	}
	return msg && r == 0 ? send_first(e, msg) : r;
}
