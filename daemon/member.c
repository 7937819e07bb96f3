/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/control_event.h"
#include "daemon/egress.h"
#include "daemon/forget.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/restore.h"
#include "daemon/session_comment.h"

const struct actor actor_guest = {"guest", -1}, actor_portald = {"portald", -1};

/* A change that the gate is asked for. */
struct pending {
	struct engine *engine;
	enum change_op op;
	struct actor by;
	uint32_t zone;
	enum session_how how;
	uint64_t left_ms, ends_ms, started; /* ends_ms: CLOCK_BOOTTIME; 0: a revoke */
	uint64_t booted_ms, length_ms;	    /* see session.h */
	struct limits limits;
	char note[NOTE_MAX];
	struct addr opened_by;
	const char *event;
	member_done_fn *done;
	void *data;
	uint64_t restore_count; /* of the engine when the gate was asked */
	uint32_t flush_round;	/* the same */
	bool again;
	size_t waiting; /* for the store */
	size_t replaced, count;
	struct mac macs[];
};

static struct pending *pending_new(struct engine *e, enum change_op op, uint32_t zone,
				   const struct mac *macs, size_t count)
{
	struct pending *c = calloc(1, sizeof(*c) + count * sizeof(*macs));

	if (!c)
		return NULL;
	c->engine = e;
	c->op = op;
	c->zone = zone;
	c->count = count;
	memcpy(c->macs, macs, count * sizeof(*macs));
	return c;
}

static void describe(const struct pending *c, struct change *ret_change)
{
	ret_change->op = c->op;
	ret_change->zone = c->zone;
	ret_change->count = (uint32_t)c->count;
	ret_change->limits = c->limits;
	if (!c->again) /* proven, and forgotten with the flush */
		ret_change->opened_by = c->opened_by;
	if (c->op != CHANGE_REVOKE)
		session_comment(ret_change->comment, c->started, c->how, c->booted_ms, c->length_ms,
				&c->limits, c->note);
}

static struct change_element element(const struct pending *c, size_t i)
{
	return (struct change_element){.mac = c->macs[i], .ends_ms = c->ends_ms};
}

static int ask_for_many(struct pending *c, gate_reply_fn *fn)
{
	CLEANUP(cleanup_free) struct gate_bulk *msg = calloc(1, sizeof(*msg));

	if (!msg)
		return -ENOMEM;
	msg->head.type = MSG_GATE_BULK;
	describe(c, &msg->change);
	for (size_t i = 0; i < c->count; i++)
		msg->elements[i] = element(c, i);
	return gate_client_ask(&c->engine->gate, &msg->head, fn, c);
}

static int ask_for_one(struct pending *c, gate_reply_fn *fn)
{
	struct gate_change msg = {.head = {MSG_GATE_CHANGE, 0}, .element = element(c, 0)};

	describe(c, &msg.change);
	return gate_client_ask(&c->engine->gate, &msg.head, fn, c);
}

/* A grant is on its way, or answered: see persist_settle(). */
static void note_asked(const struct pending *c, bool asked)
{
	for (size_t i = 0; i < c->count; i++) {
		struct session *s = sessions_find(&c->engine->sessions, c->zone, &c->macs[i]);

		if (s && asked)
			s->asked++;
		else if (s && s->asked > 0) /* else it began after that */
			s->asked--;
	}
}

static int ask_gate(struct pending *c, gate_reply_fn *fn)
{
	int r = restore_first(c->engine, c->zone, c->macs, c->count);

	c->restore_count = c->engine->restore_count;
	c->flush_round = c->engine->flush_round;
	if (r == 0)
		r = c->count == 1 ? ask_for_one(c, fn) : ask_for_many(c, fn);
	if (r == 0 && c->op != CHANGE_REVOKE)
		note_asked(c, true);
	return r;
}

/* Was one of them put back, as it was before, after the gate was asked? */
static bool was_put_back(const struct pending *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct session *s = sessions_find(&c->engine->sessions, c->zone, &c->macs[i]);

		if (s && s->put_back > c->restore_count)
			return true;
	}
	return false;
}

/* Somebody flushed the ruleset while the gate was asked: members were put back as they were before,
 * maybe after this change, or it found them gone; it is asked for once more then.  True: fn will be called again. */
static bool ask_again(struct pending *c, int error, gate_reply_fn *fn)
{
	const bool was_gone = error == -ESRCH && c->flush_round != c->engine->flush_round;

	if (!was_gone && (error < 0 || !was_put_back(c)))
		return false;
	c->again = true;
	if (ask_gate(c, fn) == 0)
		return true;
	engine_fail(c->engine, "out of memory");
	return false;
}

static void log_change(const struct pending *c, size_t count)
{
	const char *zone = c->engine->config->zones[c->zone].name;
	char mac[MAC_TEXT_MAX];

	if (c->count == 1 && count == 1)
		log_info("zone %s: %s: %s", zone, c->event, mac_format(&c->macs[0], mac));
	else if (count > 0)
		log_info("zone %s: %s: %zu guests", zone, c->event, count);
}

/* The last of them is on disk: only now does the asker hear of it. */
static void kept(void *data)
{
	struct pending *c = data;

	if (--c->waiting > 0)
		return;
	c->done(c->data, 0, c->replaced);
	free(c);
}

static void ended_blocked(void *data, int error, size_t count)
{
	(void)count;
	if (error < 0)
		engine_fail(data, "a blocked device cannot be cut off: %s", strerror(-error));
}

void member_end_blocked(struct engine *e, uint32_t zone, const struct mac *macs, size_t count)
{
	CLEANUP(cleanup_free) struct mac *blocked = calloc(count + 1, sizeof(*blocked));
	const char *name = e->config->zones[zone].name;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < count && blocked; i++) {
		const struct session *s = sessions_find(&e->sessions, zone, &macs[i]);

		if (s && (s->endless || maclist_find(&e->lists[STORE_BLOCK], name, &macs[i])))
			blocked[n++] = macs[i];
	}
	if (!blocked)
		r = -ENOMEM;
	else if (n > 0)
		r = member_revoke(e, zone, blocked, n, &actor_portald, "block", ended_blocked, e);
	if (r < 0)
		ended_blocked(e, r, 0);
}

/* They stay as they were. */
static void refused(struct pending *c, const struct gate_done *done)
{
	if (gate_reply_is_failure(done->error))
		log_error("zone %s: %s of %zu guest(s) failed: %s",
			  c->engine->config->zones[c->zone].name, c->event, c->count, done->text);
	for (size_t i = 0; i < c->count; i++) {
		struct session *s = sessions_find(&c->engine->sessions, c->zone, &c->macs[i]);

		if (s)
			persist_settle(c->engine, s);
	}
	c->done(c->data, done->error, 0);
	free(c);
}

static void granted(void *data, const union msg *reply)
{
	struct pending *c = data;
	int error = reply->gate_done.error;

	note_asked(c, false);
	if (ask_again(c, error, granted))
		return;
	if (error < 0) {
		refused(c, &reply->gate_done);
		return;
	}
	c->waiting = 1;
	for (size_t i = 0; i < c->count; i++) {
		bool had = sessions_find(&c->engine->sessions, c->zone, &c->macs[i]) != NULL;
		struct session *s =
			sessions_put(&c->engine->sessions, c->zone, &c->macs[i], c->ends_ms);

		if (!s) { /* the kernel lets it pass, so we must not forget it: start again from the
			     kernel's state */
			engine_fail(c->engine, "out of memory");
			break;
		}
		s->endless = s->too_long = false;
		s->round = c->engine->flush_round;
		s->booted_ms = c->booted_ms;
		s->length_ms = c->length_ms;
		s->how = c->how;
		s->started = c->started;
		s->limits = c->limits;
		if (c->op != CHANGE_ALTER)
			s->active_ms = now_boot_ms();
		memcpy(s->note, c->note, sizeof(s->note));
		if (c->opened_by.family)
			session_saw(s, &c->opened_by);
		c->replaced += had;
		control_event(c->engine, c->event, s, c->left_ms / 1000);
		metrics_event(&c->engine->metrics, c->zone, c->event);
		persist_audit(c->engine, &c->by, c->event, s);
		persist_settle(c->engine, s);
		c->waiting++;
		persist_put(c->engine, s, kept, c);
	}
	log_change(c, c->count);
	member_end_blocked(c->engine, c->zone, c->macs, c->count);
	kept(c);
}

int member_grant(struct engine *e, const struct member_grant *grant, member_done_fn *done,
		 void *data)
{
	struct pending *c = pending_new(e, CHANGE_GRANT, grant->zone, grant->macs, grant->count);

	if (!c)
		return -ENOMEM;
	c->by = grant->by;
	c->how = grant->how;
	c->event = session_how_name(grant->how);
	c->left_ms = grant->seconds * 1000;
	c->length_ms = c->left_ms;
	c->ends_ms = now_boot_ms() + c->left_ms;
	c->limits = grant->limits;
	egress_strip(e, &c->limits);
	c->started = now_unix();
	c->done = done;
	c->data = data;
	strncpy(c->note, grant->note, sizeof(c->note) - 1);
	if (grant->opened_by)
		c->opened_by = *grant->opened_by;
	int r = ask_gate(c, granted);

	if (r < 0)
		free(c);
	return r;
}

int member_change(struct engine *e, const struct session *session,
		  const struct member_change *change, member_done_fn *done, void *data)
{
	const uint64_t left_ms = session_left_ms(session);

	if (session->ending || left_ms == 0)
		return -ESRCH;
	struct pending *c = pending_new(e, CHANGE_ALTER, session->key.zone, &session->key.mac, 1);

	if (!c)
		return -ENOMEM;
	c->by = change->by;
	c->how = session->how;
	c->event = change->event;
	c->left_ms = change->left_ms;
	c->booted_ms = change->booted_ms;
	c->length_ms = c->left_ms +
		       session_used_ms(session->length_ms, left_ms, session->started, now_unix());
	c->ends_ms = now_boot_ms() + c->left_ms;
	c->limits = change->limits;
	egress_strip(e, &c->limits);
	c->started = session->started;
	c->done = done;
	c->data = data;
	strncpy(c->note, change->note, sizeof(c->note) - 1);
	int r = ask_gate(c, granted);

	if (r < 0)
		free(c);
	return r;
}

/* The sessions of a revoke.  Its rates only say whether any of them may have one, as when a change is on its
 * way; the gate looks again if another has none. */
static void mark(struct pending *c, bool ending)
{
	for (size_t i = 0; i < c->count; i++) {
		struct session *s = sessions_find(&c->engine->sessions, c->zone, &c->macs[i]);

		if (!s)
			continue;
		if (ending)
			s->ending++;
		else if (s->ending > 0) /* else it began after that */
			s->ending--;
		if (s->limits.rate_up || s->asked > 0)
			c->limits.rate_up = 1;
		if (s->limits.rate_down || s->asked > 0)
			c->limits.rate_down = 1;
	}
}

static void revoked(void *data, const union msg *reply)
{
	const int error = gate_reply_error(reply);
	struct pending *c = data;

	if (ask_again(c, error, revoked))
		return;
	if (error < 0) {
		mark(c, false);
		refused(c, &reply->gate_done);
		return;
	}
	c->waiting = 1;
	for (size_t i = 0; i < c->count; i++) {
		struct session *s = sessions_find(&c->engine->sessions, c->zone, &c->macs[i]);

		if (!s)
			continue;
		c->replaced++;
		c->waiting++;
		session_count(s, &reply->gate_counters.counters[i]);
		persist_end(c->engine, s, c->event, kept, c);
		control_event(c->engine, c->event, s, 0);
		metrics_event(&c->engine->metrics, c->zone, c->event);
		persist_audit(c->engine, &c->by, c->event, s);
		forget_add(c->engine, s);
		sessions_remove(&c->engine->sessions, s);
	}
	log_change(c, c->replaced);
	forget_then(c->engine, kept, c);
}

int member_revoke(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
		  const struct actor *by, const char *event, member_done_fn *done, void *data)
{
	struct pending *c = pending_new(e, CHANGE_REVOKE, zone, macs, count);

	if (!c)
		return -ENOMEM;
	c->by = *by;
	c->event = event;
	c->done = done;
	c->data = data;
	mark(c, true);
	int r = ask_gate(c, revoked);

	if (r == 0)
		return 0;
	mark(c, false);
	free(c);
	return r;
}
