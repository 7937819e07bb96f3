/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members with the same comment (a granted list, logins of one second) share a transaction.  A few
 * messages at a time are on their way, so that the channel to the gate never fills up; each session
 * is looked up when its turn comes, since it may have ended or changed by then.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/engine.h"
#include "daemon/restore.h"

enum { WINDOW = 64 }; /* messages on their way */

struct restore {
	struct engine *engine;
	uint32_t round;
	uint64_t began_ms;
	size_t count, next, restored, waiting;
	struct session_key keys[];
};

static void restore_freep(struct restore **r)
{
	free(*r);
}

static bool is_void(const struct restore *r)
{
	return r->round != r->engine->flush_round;
}

/* By zone and comment, so that equal ones stand together. */
static int compare_sessions(const void *one, const void *other)
{
	const struct session *a = *(const struct session *const *)one;
	const struct session *b = *(const struct session *const *)other;

	if (a->key.zone != b->key.zone)
		return a->key.zone < b->key.zone ? -1 : 1;
	if (a->started != b->started)
		return a->started < b->started ? -1 : 1;
	if (a->how != b->how)
		return a->how < b->how ? -1 : 1;
	return strcmp(a->note, b->note);
}

static struct restore *restore_create(struct engine *e, uint32_t round)
{
	size_t count = HASH_COUNT(e->sessions.all), n = 0;
	CLEANUP(restore_freep)
	struct restore *r = calloc(1, sizeof(*r) + count * sizeof(r->keys[0]));
	CLEANUP(cleanup_free) struct session **sorted = calloc(count + 1, sizeof(struct session *));

	if (!r || !sorted)
		return NULL;
	for (struct session *s = e->sessions.all; s; s = s->hh.next)
		sorted[n++] = s;
	qsort(sorted, n, sizeof(struct session *), compare_sessions);
	for (size_t i = 0; i < n; i++)
		r->keys[i] = sorted[i]->key;
	r->engine = e;
	r->round = round;
	r->began_ms = now_boot_ms();
	r->count = n;
	return steal_ptr(&r);
}

/* The session whose turn it is; those that ended meanwhile are passed over.  NULL: no more. */
static const struct session *current(struct restore *r, uint64_t now)
{
	for (; r->next < r->count; r->next++) {
		const struct session_key *key = &r->keys[r->next];
		const struct session *s = sessions_find(&r->engine->sessions, key->zone, &key->mac);

		if (s && s->ends_ms > now)
			return s;
	}
	return NULL;
}

static void take_reply(void *data, const union msg *reply);

/* One transaction: the session whose turn it is, and those behind it that are alike. */
static int send_next(struct restore *r, const struct session *s, uint64_t now)
{
	static struct gate_bulk bulk; /* too large for the stack */
	char comment[COMMENT_MAX];

	bulk.head.type = MSG_GATE_BULK;
	bulk.change = (struct change){.op = CHANGE_GRANT, .zone = s->key.zone};
	session_comment(bulk.change.comment, s->started, s->how, s->note);
	while (s && s->key.zone == bulk.change.zone && bulk.change.count < CHANGE_MAX) {
		session_comment(comment, s->started, s->how, s->note);
		if (strcmp(comment, bulk.change.comment) != 0)
			break;
		bulk.elements[bulk.change.count++] =
			(struct change_element){.mac = s->key.mac, .timeout_ms = s->ends_ms - now};
		r->next++;
		s = current(r, now);
	}
	r->restored += bulk.change.count;
	r->engine->restore_count++;
	if (bulk.change.count > 1)
		return gate_client_ask(&r->engine->gate, &bulk.head, take_reply, r);
	struct gate_change single = {
		.head = {MSG_GATE_CHANGE, 0}, .change = bulk.change, .element = bulk.elements[0]};

	return gate_client_ask(&r->engine->gate, &single.head, take_reply, r);
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

/* Sends what may be sent; after the last answer the zones open. */
static void go_on(struct restore *r)
{
	uint64_t now = now_boot_ms();
	const struct session *s = NULL;
	int error = 0;

	while (r->waiting < WINDOW && !is_void(r) && error == 0 && (s = current(r, now))) {
		error = send_next(r, s, now);
		r->waiting += error == 0;
	}
	if (r->waiting > 0 && error == 0)
		return;
	struct gate_open open = {.head = {MSG_GATE_OPEN, 0}, .round = r->round};

	if (error < 0 || gate_client_ask(&r->engine->gate, &open.head, opened, r) < 0)
		engine_fail(r->engine, "out of memory");
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

void member_restore(void *engine, uint32_t round)
{
	struct engine *e = engine;
	struct restore *r = restore_create(e, round);

	e->flush_round = round;
	e->restore_count++;
	if (!r) {
		engine_fail(e, "out of memory");
		return;
	}
	log_warning("the ruleset was flushed; putting %zu session(s) back", r->count);
	go_on(r);
}
