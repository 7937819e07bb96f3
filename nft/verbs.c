/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that the engine can make the gate do: one function a verb, in a table at the end.  A
 * message that no honest engine sends (a zone that does not exist, a count beyond its array, a
 * string without end) is malformed and ends the gate.  What the kernel refuses is an answer.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/link.h"
#include "common/log.h"
#include "nft/conntrack.h"
#include "nft/gate.h"

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

static int render_with_leftovers(struct gate *gate, const bool *present, char **ret_text)
{
	CLEANUP(cleanup_free) char *rules = NULL, *leftovers = NULL;
	int r = ruleset_render(&gate->ruleset, gate->zones, present, gate->count, gate->mark,
			       &rules);

	if (r == 0)
		r = tables_leftovers(&gate->tables, gate->zones, gate->count, &leftovers);
	if (r < 0)
		return r;
	return asprintf(ret_text, "%s%s", rules, leftovers) < 0 ? -ENOMEM : 0;
}

static bool link_fits(const struct link *link)
{
	return link->index && link->type == ARPHRD_ETHER && !link->bridge_port;
}

/* The interfaces that are there now; 0 for the others. */
static int find_indexes(struct gate *gate, uint32_t indexes[static ZONES_MAX])
{
	for (size_t i = 0; i < gate->count; i++) {
		struct link link;
		int r = link_find(&gate->links, gate->zones[i].interface, &link);

		if (r < 0)
			return r;
		indexes[i] = link_fits(&link) ? link.index : 0;
	}
	return 0;
}

static int print_ruleset(struct gate *gate)
{
	CLEANUP(cleanup_free) char *text = NULL;
	bool present[ZONES_MAX];

	memset(present, true, sizeof(present));
	int r = ruleset_render(&gate->ruleset, gate->zones, present, gate->count, gate->mark,
			       &text);

	if (r < 0)
		return r;
	return fputs(text, stdout) == EOF || fflush(stdout) != 0 ? -EIO : 0;
}

static int load_text(struct gate *gate, const uint32_t *indexes, char error[static ERROR_TEXT_MAX])
{
	CLEANUP(cleanup_free) char *text = NULL;
	bool present[ZONES_MAX] = {false};

	for (size_t i = 0; i < gate->count; i++)
		present[i] = indexes[i] != 0;
	int r = render_with_leftovers(gate, present, &text);

	return r < 0 ? r : tables_run(&gate->tables, text, error);
}

static int load_ruleset(struct gate *gate, char error[static ERROR_TEXT_MAX])
{
	uint32_t indexes[ZONES_MAX] = {0};
	int r = find_indexes(gate, indexes);

	if (r == 0)
		r = load_text(gate, indexes, error);
	if (r == 0) /* also away with those of an earlier run */
		r = set_arm_only(&gate->sets, indexes, gate->count);
	if (r == 0)
		memcpy(gate->armed, indexes, sizeof(gate->armed));
	else if (!error[0])
		snprintf(error, ERROR_TEXT_MAX, "%s", strerror(-r));
	return r;
}

static int verb_load(struct gate *gate, const union msg *msg)
{
	char error[ERROR_TEXT_MAX] = "";
	int r;

	memcpy(gate->zones, gate->fresh, sizeof(gate->zones));
	gate->count = gate->fresh_count;
	gate->fresh_count = 0;
	gate->mark = msg->gate_load.mark;
	if (gate->print)
		return answer(gate, msg->head.id, print_ruleset(gate), NULL);
	r = load_ruleset(gate, error);
	gate->loaded = r == 0;
	int sent = answer(gate, msg->head.id, r, error[0] ? error : NULL);

	return sent < 0 || r < 0 ? sent : gate_follow_links(gate);
}

/* Would an honest engine ask this? */
static bool change_valid(const struct gate *gate, const struct change *c,
			 const struct change_element *elements, size_t max)
{
	bool grant = c->op == CHANGE_GRANT;

	if (!grant && c->op != CHANGE_REVOKE)
		return false;
	if (c->zone >= gate->count || c->count > max ||
	    !memchr(c->comment, '\0', sizeof(c->comment)))
		return false;
	if (c->opened_by.family &&
	    (!grant || c->count != 1 || (c->opened_by.family != 4 && c->opened_by.family != 6)))
		return false;
	for (size_t i = 0; i < c->count && grant; i++) {
		if (elements[i].timeout_ms == 0) /* would never end */
			return false;
	}
	return true;
}

static int change(struct gate *gate, uint32_t id, const struct change *c,
		  const struct change_element *elements)
{
	const char *zone = gate->zones[c->zone].name;
	int r = 0;

	if (c->opened_by.family)
		r = set_opened_by(&gate->sets, zone, &c->opened_by, &elements[0].mac);
	if (r == 0)
		r = c->op == CHANGE_GRANT
			    ? set_grant(&gate->sets, zone, elements, c->count, c->comment)
			    : set_revoke(&gate->sets, zone, elements, c->count);
	return answer(gate, id, r, NULL);
}

static int verb_change(struct gate *gate, const union msg *msg)
{
	const struct gate_change *m = &msg->gate_change;

	if (!change_valid(gate, &m->change, &m->element, 1))
		return -EBADMSG;
	return change(gate, msg->head.id, &m->change, &m->element);
}

static int verb_bulk(struct gate *gate, const union msg *msg)
{
	const struct gate_bulk *m = &msg->gate_bulk;

	if (!change_valid(gate, &m->change, m->elements, CHANGE_MAX))
		return -EBADMSG;
	return change(gate, msg->head.id, &m->change, m->elements);
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

static void send_session(void *data, const struct mac *mac, uint64_t left_ms, const char *comment)
{
	struct dumping *d = data;
	struct gate_session s = {.head = {MSG_GATE_SESSION, d->id},
				 .zone = d->zone,
				 .mac = *mac,
				 .left_ms = left_ms};

	snprintf(s.comment, sizeof(s.comment), "%s", comment);
	if (d->error == 0)
		d->error = msg_send(d->gate->engine, &s.head, -1);
}

/* A dump that the kernel restarts (-EINTR) would give some sessions twice; the engine takes the
 * last word on each. */
static int verb_dump(struct gate *gate, const union msg *msg)
{
	struct dumping d = {.gate = gate, .id = msg->head.id};
	int r = 0;

	for (d.zone = 0; d.zone < gate->count && r == 0; d.zone++) {
		do
			r = set_dump(&gate->sets, gate->zones[d.zone].name, send_session, &d);
		while (r == -EINTR);
		if (d.error < 0)
			return d.error;
	}
	return answer(gate, msg->head.id, r, NULL);
}

static int verb_forget(struct gate *gate, const union msg *msg)
{
	const struct gate_forget *f = &msg->gate_forget;
	size_t deleted = 0;

	if (f->zone >= gate->count || f->count > FORGET_ADDRS_MAX)
		return -EBADMSG;
	int r = conntrack_forget(&gate->nl, f->addrs, f->count, gate->zones[f->zone].portal_port,
				 gate->zones[f->zone].divert_port, &deleted);

	log_debug("zone %s: %zu conntrack entries of %u addresses deleted",
		  gate->zones[f->zone].name, deleted, f->count);
	return answer(gate, msg->head.id, r, NULL);
}

static const struct {
	enum msg_type type;
	int (*run)(struct gate *gate, const union msg *msg);
	bool needs_load;
} verbs[] = {
	{MSG_GATE_ZONE, verb_zone, false},    {MSG_GATE_LOAD, verb_load, false},
	{MSG_GATE_CHANGE, verb_change, true}, {MSG_GATE_BULK, verb_bulk, true},
	{MSG_GATE_READ, verb_read, true},     {MSG_GATE_DUMP, verb_dump, true},
	{MSG_GATE_FORGET, verb_forget, true},
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

/* Its egress chain first, then the interface is armed: packets towards guests are dropped until both
 * are done. */
static enum link_state arm_zone(struct gate *gate, size_t i, uint32_t index)
{
	CLEANUP(cleanup_free) char *text = NULL;
	char error[ERROR_TEXT_MAX] = "";
	int r = ruleset_render_egress(&gate->ruleset, &gate->zones[i], gate->mark, &text);

	if (r == 0)
		r = tables_run(&gate->tables, text, error);
	gate->armed[i] = index;
	if (r == 0)
		r = set_arm_only(&gate->sets, gate->armed, gate->count);
	if (r == 0)
		return LINK_READY;
	gate->armed[i] = 0;
	log_error("zone %s: no egress chain on %s: %s", gate->zones[i].name,
		  gate->zones[i].interface, error[0] ? error : strerror(-r));
	return LINK_FAILED;
}

static void disarm_zone(struct gate *gate, size_t i)
{
	if (!gate->armed[i])
		return;
	gate->armed[i] = 0;
	int r = set_arm_only(&gate->sets, gate->armed, gate->count);

	if (r < 0)
		log_warning("zone %s: %s stays armed: %s", gate->zones[i].name,
			    gate->zones[i].interface, strerror(-r));
}

void gate_link_gone(void *data, uint32_t index)
{
	struct gate *gate = data;

	for (size_t i = 0; i < gate->count; i++) {
		if (index == 0 || gate->armed[i] == index)
			disarm_zone(gate, i);
	}
}

int gate_follow_links(struct gate *gate)
{
	for (size_t i = 0; i < gate->count && gate->loaded; i++) {
		enum link_state state = LINK_READY;
		struct link link;
		int r = link_find(&gate->links, gate->zones[i].interface, &link);

		if (r < 0)
			return r;
		if (!link.index)
			state = LINK_MISSING;
		else if (!link_fits(&link))
			state = LINK_REFUSED;
		if (state != LINK_READY || link.index != gate->armed[i])
			disarm_zone(gate, i);
		if (state == LINK_READY && !gate->armed[i])
			state = arm_zone(gate, i, link.index);
		if (state == gate->state[i])
			continue;
		gate->state[i] = state;
		r = msg_send(gate->engine,
			     &(struct gate_link){{MSG_GATE_LINK, 0}, (uint32_t)i, state}.head, -1);
		if (r < 0)
			return r;
	}
	return 0;
}
