/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that the engine can make the gate do: one function a verb, in a table at the end.  A
 * message that no honest engine sends (a zone that does not exist, a count beyond its array, a
 * string without end) is malformed and ends the gate.  What the kernel refuses is an answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "common/cleanup.h"
#include "common/link.h"
#include "common/log.h"
#include "nft/gate.h"
#include "nft/load.h"

enum { CHANGE_TRIES = 20 }; /* while somebody flushes the ruleset again and again */

static int answer(struct gate *gate, uint32_t id, int error, const char *text)
{
	struct gate_done done = {.head = {MSG_GATE_DONE, id}, .error = error};

	snprintf(done.text, sizeof(done.text), "%s", text ? text : error ? strerror(-error) : "");
	return msg_send(gate->engine, &done.head, -1);
}

static int verb_zone(struct gate *gate, const union msg *msg)
{
	if (gate->fresh_count == ZONES_MAX || !ruleset_zone_valid(&msg->gate_zone))
		return -EBADMSG;
	gate->fresh[gate->fresh_count++] = msg->gate_zone;
	return 0;
}

static void take_globals(struct gate *gate, const struct gate_load *load)
{
	const char *by = "the xt_NFQUEUE target";

	gate->globals = (struct ruleset_globals){.mark = load->mark,
						 .queue_first = load->queue_first,
						 .queue_count = load->queue_count,
						 .answers_queue = load->answers_queue,
						 .egress = gate->print || gate->egress};
	gate->globals.queue_native = gate->print || queue_is_native(&gate->tables);
	if (gate->globals.queue_native)
		by = "nft's queue expression";
	if (load->queue_count > 0)
		log_info("divert \"queue\" uses NFQUEUE %u to %u, by %s", load->queue_first,
			 load->queue_first + load->queue_count - 1, by);
}

/* Somebody removed the netdev table while no gate ran, or it could not be made until now. */
static bool lacks_netdev(struct gate *gate)
{
	char comment[COMMENT_MAX];

	return !gate->loaded && gate->egress &&
	       tables_comment(&gate->tables, NFPROTO_INET, comment) == 0 &&
	       tables_comment(&gate->tables, NFPROTO_NETDEV, comment) == -ENOENT;
}

/* missing: before the load. */
static int tell_ability(struct gate *gate, bool missing)
{
	struct gate_ability ability = {.head = {MSG_GATE_ABILITY, 0},
				       .egress = gate->egress ? 0 : -EOPNOTSUPP,
				       .missing = missing};

	memcpy(ability.names, gate->answers.trouble, sizeof(ability.names));
	return msg_send(gate->engine, &ability.head, -1);
}

/* What cannot be loaded at a reload ends nobody: the rules before it stay in the kernel. */
static int verb_load(struct gate *gate, const union msg *msg)
{
	char error[ERROR_TEXT_MAX] = "";
	int r;

	if (msg->gate_load.queue_count != gate->queues.count && !gate->print)
		return -EBADMSG;
	gate_follow_garden(gate);
	memcpy(gate->zones, gate->fresh, sizeof(gate->zones));
	gate->count = gate->fresh_count;
	gate->fresh_count = 0;
	take_globals(gate, &msg->gate_load);
	if (gate->print)
		return answer(gate, msg->head.id, gate_print(gate), NULL);
	if (!gate->loaded)
		gate_recall_garden(gate);
	const bool missing = lacks_netdev(gate);

	r = gate_load(gate, error);
	if (watch_take(&gate->flushes) > 0) { /* somebody flushed it meanwhile */
		r = gate_restore(gate);
		if (r < 0)
			return r;
		r = 0;
	}
	gate->loaded = gate->loaded || r == 0;
	int sent = tell_ability(gate, missing);

	if (sent == 0)
		sent = answer(gate, msg->head.id, r, error[0] ? error : NULL);

	return sent < 0 || !gate->loaded ? sent : gate_follow_links(gate);
}

/* Would an honest engine ask this? */
static bool change_valid(const struct gate *gate, const struct change *c,
			 const struct change_element *elements, size_t max)
{
	const bool grant = c->op == CHANGE_GRANT || c->op == CHANGE_ALTER;

	if (c->op < CHANGE_GRANT || c->op > CHANGE_ALTER)
		return false;
	if (c->zone >= gate->count || c->count > max ||
	    !memchr(c->comment, '\0', sizeof(c->comment)))
		return false;
	if (c->opened_by.family &&
	    (!grant || c->count != 1 || (c->opened_by.family != 4 && c->opened_by.family != 6)))
		return false;
	for (size_t i = 0; i < c->count; i++) {
		if ((elements[i].ends_ms != 0) != grant) /* would never end */
			return false;
	}
	return true;
}

/* ret_used: of a revoke. */
static int change_once(struct gate *gate, const struct change *c,
		       const struct change_element *elements, struct gate_counters *ret_used)
{
	const char *zone = gate->zones[c->zone].name;
	int r = 0;

	if (c->opened_by.family)
		r = set_opened_by(&gate->sets, zone, &c->opened_by, &elements[0].mac);
	if (r < 0)
		return r;
	if (c->op != CHANGE_REVOKE)
		return set_grant(&gate->sets, zone, c, elements);
	ret_used->count = c->count;
	return set_revoke(&gate->sets, zone, c, elements, ret_used->counters);
}

static int change_of_one(struct gate *gate, const union msg *msg, struct gate_counters *ret_used)
{
	return change_once(gate, &msg->gate_change.change, &msg->gate_change.element, ret_used);
}

static int change_of_many(struct gate *gate, const union msg *msg, struct gate_counters *ret_used)
{
	return change_once(gate, &msg->gate_bulk.change, msg->gate_bulk.elements, ret_used);
}

static int restore_once(struct gate *gate, const union msg *msg, struct gate_counters *ret_used)
{
	const struct gate_restore *m = &msg->gate_restore;

	(void)ret_used;
	return set_restore(&gate->sets, gate->zones[m->zone].name, m->members, m->count);
}

/* What fails because somebody has just flushed the ruleset is done after its restoration. */
static int change(struct gate *gate, const union msg *msg,
		  int (*once)(struct gate *gate, const union msg *msg,
			      struct gate_counters *ret_used))
{
	struct gate_counters used = {.head = {MSG_GATE_COUNTERS, msg->head.id}};
	int r = once(gate, msg, &used);

	for (int i = 1; i < CHANGE_TRIES && r < 0 && r != -EKEYREJECTED; i++) {
		int restored = gate_check_tables(gate);

		if (restored < 0)
			return restored;
		if (restored == 0)
			break;
		r = once(gate, msg, &used);
	}
	return r == 0 && used.count > 0 ? msg_send(gate->engine, &used.head, -1)
					: answer(gate, msg->head.id, r, NULL);
}

static int verb_change(struct gate *gate, const union msg *msg)
{
	const struct gate_change *m = &msg->gate_change;

	if (!change_valid(gate, &m->change, &m->element, 1))
		return -EBADMSG;
	return change(gate, msg, change_of_one);
}

static int verb_bulk(struct gate *gate, const union msg *msg)
{
	const struct gate_bulk *m = &msg->gate_bulk;

	if (!change_valid(gate, &m->change, m->elements, CHANGE_MAX))
		return -EBADMSG;
	return change(gate, msg, change_of_many);
}

static int verb_restore(struct gate *gate, const union msg *msg)
{
	const struct gate_restore *m = &msg->gate_restore;

	if (m->zone >= gate->count || m->count > RESTORE_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < m->count; i++) {
		if (!memchr(m->members[i].comment, '\0', sizeof(m->members[i].comment)))
			return -EBADMSG;
	}
	return change(gate, msg, restore_once);
}

static int verb_read(struct gate *gate, const union msg *msg)
{
	struct gate_counters counters = {.head = {MSG_GATE_COUNTERS, msg->head.id}};
	const struct gate_read *q = &msg->gate_read;

	if (q->zone >= gate->count || q->count > COUNTERS_MAX)
		return -EBADMSG;
	int r = set_read(&gate->sets, gate->zones[q->zone].name, q->macs, q->count,
			 counters.counters);

	if (r < 0)
		return answer(gate, msg->head.id, r, NULL);
	counters.count = q->count;
	return msg_send(gate->engine, &counters.head, -1);
}

struct dumping {
	struct gate *gate;
	uint32_t id, zone;
	int error;
};

static void send_session(void *data, const struct mac *mac, uint64_t ends_ms, const char *comment)
{
	struct dumping *d = data;
	struct gate_session s = {.head = {MSG_GATE_SESSION, d->id},
				 .zone = d->zone,
				 .mac = *mac,
				 .ends_ms = ends_ms};

	snprintf(s.comment, sizeof(s.comment), "%s", comment);
	if (d->error == 0)
		d->error = msg_send(d->gate->engine, &s.head, -1);
}

/* A dump that the kernel restarts (-EINTR) would give some sessions twice; the engine takes the
 * last word on each. */
static int dump_zones(struct dumping *d)
{
	struct gate *gate = d->gate;
	int r = 0;

	for (d->zone = 0; d->zone < gate->count && r == 0; d->zone++) {
		do
			r = set_dump(&gate->sets, gate->zones[d->zone].name, send_session, d);
		while (r == -EINTR && d->error == 0);
	}
	return r;
}

/* What somebody flushes meanwhile is no more; of what was told before, the engine knows that it is to be put
 * back.  All in one go: the engine asks for nothing before it has all, and each change of ours to any set in
 * between (of a walled garden) would begin the dump anew. */
static int verb_dump(struct gate *gate, const union msg *msg)
{
	struct dumping d = {.gate = gate, .id = msg->head.id};
	int r = dump_zones(&d);

	for (int i = 1; i < CHANGE_TRIES && r < 0 && d.error == 0; i++) {
		int restored = gate_check_tables(gate);

		if (restored < 0)
			return restored;
		if (restored == 0)
			break;
		r = dump_zones(&d);
	}
	return d.error < 0 ? d.error : answer(gate, msg->head.id, r, NULL);
}

/* Answered by gate_forgot(), after others maybe. */
static int verb_forget(struct gate *gate, const union msg *msg)
{
	const struct gate_forget *f = &msg->gate_forget;

	if (f->zone >= gate->count || f->count > FORGET_ADDRS_MAX)
		return -EBADMSG;
	const struct gate_zone *zone = &gate->zones[f->zone];
	const struct web_ports ports = {zone->portal_port, zone->divert_port, zone->tls_port};
	int r = forget_ask(&gate->forgetting, f, &ports);

	return r == -ENOMEM ? answer(gate, msg->head.id, r, NULL) : r;
}

int gate_forgot(void *data, uint32_t id, int error)
{
	return answer(data, id, error, NULL);
}

static int verb_open(struct gate *gate, const union msg *msg)
{
	int r = gate_open(gate, msg->gate_open.round);

	return r < 0 ? r : answer(gate, msg->head.id, 0, NULL);
}

static const struct {
	enum msg_type type;
	int (*run)(struct gate *gate, const union msg *msg);
	bool needs_load;
} verbs[] = {
	{MSG_GATE_ZONE, verb_zone, false},	{MSG_GATE_LOAD, verb_load, false},
	{MSG_GATE_CHANGE, verb_change, true},	{MSG_GATE_BULK, verb_bulk, true},
	{MSG_GATE_READ, verb_read, true},	{MSG_GATE_DUMP, verb_dump, true},
	{MSG_GATE_FORGET, verb_forget, true},	{MSG_GATE_OPEN, verb_open, true},
	{MSG_GATE_RESTORE, verb_restore, true},
};

int gate_dispatch(struct gate *gate, const union msg *msg)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (verbs[i].type != msg->head.type)
			continue;
		if (verbs[i].needs_load && !gate->loaded)
			return -EBADMSG;
		return verbs[i].run(gate, msg);
	}
	return -EBADMSG;
}
