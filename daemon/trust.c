/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/control_event.h"
#include "daemon/forget.h"
#include "daemon/persist.h"
#include "daemon/trust.h"

static const char comment[] = "trusted"; /* of the element, for people */

/* A change that the gate is asked for. */
struct trusting {
	struct engine *engine;
	struct actor by;
	uint32_t zone;
	enum change_op op; /* CHANGE_TRUST, CHANGE_REVOKE */
	member_done_fn *done;
	void *data;
	uint64_t restore_count; /* of the engine when the gate was asked; see member.c */
	size_t ended, count;
	struct mac macs[];
};

bool trust_covers(const struct engine *e, uint32_t zone, const struct mac *mac)
{
	const char *name = e->config->zones[zone].name;

	return maclist_find(&e->lists[STORE_TRUST], name, mac) &&
	       !maclist_find(&e->lists[STORE_BLOCK], name, mac);
}

void trust_describe(const struct mac *mac, struct lost_member *ret_member)
{
	*ret_member = (struct lost_member){.mac = *mac};
	memcpy(ret_member->comment, comment, sizeof(comment));
}

static void end_session(struct engine *e, struct session *s, const struct actor *by)
{
	persist_end(e, s, "trust", NULL, NULL);
	control_event(e, "trust", s, 0);
	metrics_event(&e->metrics, s->key.zone, "trust");
	persist_audit(e, by, "trust", s);
	sessions_remove(&e->sessions, s);
}

static void end_sessions(struct trusting *t)
{
	struct engine *e = t->engine;

	for (size_t i = 0; i < t->count; i++) {
		struct session *s = sessions_find(&e->sessions, t->zone, &t->macs[i]);

		if (!s)
			continue;
		end_session(e, s, &t->by);
		t->ended++;
	}
}

static int ask(struct trusting *t, gate_reply_fn *fn)
{
	CLEANUP(cleanup_free) struct gate_bulk *msg = calloc(1, sizeof(*msg));

	if (!msg)
		return -ENOMEM;
	msg->head.type = MSG_GATE_BULK;
	msg->change.op = t->op;
	msg->change.zone = t->zone;
	msg->change.count = (uint32_t)t->count;
	memcpy(msg->change.comment, comment, sizeof(comment));
	for (size_t i = 0; i < t->count; i++)
		msg->elements[i].mac = t->macs[i];
	t->restore_count = t->engine->restore_count;
	return gate_client_ask(&t->engine->gate, &msg->head, fn, t);
}

static void finish(void *data)
{
	struct trusting *t = data;

	t->done(t->data, 0, t->ended);
	free(t);
}

static void replied(void *data, const union msg *reply)
{
	const int error = gate_reply_error(reply);
	struct trusting *t = data;

	if (error == 0 && t->restore_count < t->engine->trusted_put_back) {
		if (ask(t, replied) < 0)
			engine_fail(t->engine, "out of memory");
		return;
	}
	if (error < 0) {
		log_error("zone %s: %zu device(s): %s", t->engine->config->zones[t->zone].name,
			  t->count, reply->gate_done.text);
		t->done(t->data, error, t->ended);
		free(t);
		return;
	}
	log_info("zone %s: %s: %zu device(s)", t->engine->config->zones[t->zone].name,
		 t->op == CHANGE_TRUST ? "trust" : "untrust", t->count);
	if (t->op == CHANGE_TRUST) {
		end_sessions(t); /* of a grant that was under way */
		finish(t);
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct session gone = {.key = {.zone = t->zone, .mac = t->macs[i]}};

		forget_add(t->engine, &gone);
	}
	forget_then(t->engine, finish, t);
}

static int start(struct engine *e, enum change_op op, uint32_t zone, const struct mac *macs,
		 size_t count, const struct actor *by, member_done_fn *done, void *data)
{
	struct trusting *t = calloc(1, sizeof(*t) + count * sizeof(*macs));

	if (!t)
		return -ENOMEM;
	*t = (struct trusting){.engine = e,
			       .by = *by,
			       .zone = zone,
			       .op = op,
			       .done = done,
			       .data = data,
			       .count = count};
	memcpy(t->macs, macs, count * sizeof(*macs));
	int r = ask(t, replied);

	if (r < 0)
		free(t);
	else if (op == CHANGE_TRUST) /* at once: none of their limits holds any more */
		end_sessions(t);
	return r;
}

int trust_begin(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
		const struct actor *by, member_done_fn *done, void *data)
{
	return start(e, CHANGE_TRUST, zone, macs, count, by, done, data);
}

int trust_end(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
	      const struct actor *by, member_done_fn *done, void *data)
{
	return start(e, CHANGE_REVOKE, zone, macs, count, by, done, data);
}

bool trust_take_over(struct engine *e, struct session *s)
{
	if (!trust_covers(e, s->key.zone, &s->key.mac))
		return false;
	if (s->in_store)
		persist_end(e, s, "trust", NULL, NULL);
	sessions_remove(&e->sessions, s);
	return true;
}
