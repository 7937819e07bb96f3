/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list and show.  In portions of one zone the gate reads the sessions' counters, and each portion
 * leaves before the next one is asked for: a long list neither stops the loop nor fills the memory.
 * Within a zone they come in the order of their beginnings.
 */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/control_server.h"
#include "daemon/neigh.h"

_Static_assert((int)CONTROL_LIST_MAX <= (int)COUNTERS_MAX, "a portion is one question to the gate");

struct list_job {
	struct sessions_walk walk;
	uint32_t at, end;	 /* show: the next zone to look for the MAC in */
	struct gate_read asking; /* the question under way */
	json_t *sessions;
	struct neigh_reader *reader;
	bool has_neighbours;
	uint32_t zone; /* of neighbours */
	struct neighbours neighbours;
};

static void list_end(struct client *c)
{
	struct list_job *job = c->job;

	sessions_walk_end(&job->walk);
	neigh_reader_destroy(job->reader);
	neighbours_finish(&job->neighbours);
	json_decref(job->sessions);
	free(job);
	c->job = NULL;
	client_done(c);
}

static json_t *addresses(const struct list_job *job, const struct mac *mac)
{
	const struct neighbour *n = neighbours_first(&job->neighbours, mac);
	json_t *list = json_array();
	char text[ADDR_TEXT_MAX];

	for (; n; n = neighbours_next(&job->neighbours, n))
		json_array_append_new(list, json_string(addr_format(&n->addr, text)));
	return list;
}

static json_t *describe(const struct client *c, const struct session *s)
{
	const struct counters *used = &s->used;
	char mac[MAC_TEXT_MAX];

	json_t *j = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "zone",
		c->engine->config->zones[s->key.zone].name, "mac", mac_format(&s->key.mac, mac),
		"how", session_how_name(s->how), "note", s->note, "started", (json_int_t)s->started,
		"seconds-used", (json_int_t)session_seconds_used(s), "seconds-left",
		(json_int_t)session_seconds_left(s), "bytes-up", (json_int_t)used->bytes_up,
		"bytes-down", (json_int_t)used->bytes_down, "addresses",
		addresses(c->job, &s->key.mac));

	for (size_t i = 0; i < SESSION_LIMITS; i++)
		json_object_set_new(j, limit_fields[i].name,
				    json_integer((json_int_t)limit_value(&s->limits, i)));
	return j;
}

static void list_next(struct client *c);

/* The portion's counters are here; sessions that ended meanwhile are left out. */
static void counted(void *data, const union msg *msg)
{
	struct client *c = data;
	struct list_job *job = c->job;
	bool good = msg->head.type == MSG_GATE_COUNTERS &&
		    msg->gate_counters.count == job->asking.count;

	for (size_t i = 0; i < job->asking.count; i++) {
		struct session *s =
			sessions_find(&c->engine->sessions, job->asking.zone, &job->asking.macs[i]);

		if (s && good)
			session_count(s, &msg->gate_counters.counters[i]);
		if (s)
			json_array_append_new(job->sessions, describe(c, s));
	}
	if (c->request.verb == CONTROL_LIST) {
		client_send(c, json_pack("{s:o, s:b}", "sessions", job->sessions, "more", 1));
		job->sessions = json_array();
	}
	list_next(c);
}

/* Why the device that was asked for has no session. */
static void tell_absence(struct client *c)
{
	const struct engine *e = c->engine;
	const struct mac *mac = &c->request.macs[0];
	const struct store_entry *entry = NULL;
	size_t list = STORE_BLOCK + 1;
	char text[MAC_TEXT_MAX];

	while (!entry && list-- > 0) {
		for (size_t i = 0; i < e->config->zone_count && !entry; i++) {
			const char *zone = e->config->zones[i].name;

			if (!c->request.zone[0] || strcmp(c->request.zone, zone) == 0)
				entry = maclist_find(&e->lists[list], zone, mac);
		}
	}
	mac_format(mac, text);
	if (entry)
		client_error(c, "%s is %s in %s%s%s%s", text,
			     list == STORE_BLOCK ? "blocked" : "trusted",
			     entry->zone[0] ? "zone " : "all zones", entry->zone,
			     entry->note[0] ? ": " : "", entry->note);
	else
		client_error(c, "%s has no session; portalctl list shows who has", text);
}

static void list_finish(struct client *c)
{
	struct list_job *job = c->job;

	if (c->request.verb == CONTROL_LIST)
		client_send(c, json_pack("{s:[], s:b}", "sessions", "more", 0));
	else if (c->request.verb == CONTROL_SHOW && json_array_size(job->sessions) == 0)
		tell_absence(c);
	else if (c->request.verb == CONTROL_SHOW)
		client_send(c, json_pack("{s:O}", "sessions", job->sessions));
	list_end(c);
}

/* Of all, or those of the one MAC. */
static struct session *next_session(struct client *c)
{
	struct list_job *job = c->job;
	struct session *s = NULL;

	if (c->request.verb == CONTROL_LIST)
		return sessions_walk_next(&job->walk);
	while (job->at < job->end && !s)
		s = sessions_find(&c->engine->sessions, job->at++, &c->request.macs[0]);
	return s;
}

/* Of one zone. */
static void gather(struct client *c)
{
	const uint32_t most = c->request.verb == CONTROL_LIST ? CONTROL_LIST_MAX : 1;
	struct list_job *job = c->job;
	struct gate_read *read = &job->asking;
	struct session *s;

	read->count = 0;
	while (read->count < most && (s = next_session(c))) {
		if (read->count > 0 && s->key.zone != read->zone) {
			sessions_walk_back(&job->walk, s);
			return;
		}
		read->zone = s->key.zone;
		read->macs[read->count++] = s->key.mac;
	}
}

static void ask_gate(struct client *c)
{
	struct list_job *job = c->job;

	if (gate_client_ask(&c->engine->gate, &job->asking.head, counted, c) == 0)
		return;
	client_error(c, "out of memory");
	list_end(c);
}

/* Without them the sessions have no addresses. */
static void neighbours_known(void *data, int error, struct neighbours *all)
{
	struct client *c = data;
	struct list_job *job = c->job;

	if (error < 0)
		log_warning("neighbour table: %s", strerror(-error));
	job->neighbours = *all;
	ask_gate(c);
}

static void read_neighbours(struct client *c)
{
	struct list_job *job = c->job;
	const uint32_t zone = job->asking.zone;

	neighbours_finish(&job->neighbours);
	job->has_neighbours = true;
	job->zone = zone;
	neigh_read(job->reader, if_nametoindex(c->engine->config->zones[zone].interface),
		   neighbours_known, c);
}

static void list_next(struct client *c)
{
	struct list_job *job = c->job;

	c->drained = NULL;
	if (c->io && client_has_output(c)) {
		c->drained = list_next;
		return;
	}
	if (c->io)
		gather(c);
	if (!c->io || job->asking.count == 0)
		list_finish(c);
	else if (!job->has_neighbours || job->zone != job->asking.zone)
		read_neighbours(c);
	else
		ask_gate(c);
}

void control_list(struct client *c)
{
	struct list_job *job = calloc(1, sizeof(*job));
	uint32_t zone, end;

	if (job && neigh_reader_create(c->engine->base, &job->reader) < 0) {
		free(job);
		job = NULL;
	}
	if (!job || !control_find_zones(c, &zone, &end)) {
		if (!job)
			client_error(c, "out of memory");
		else
			neigh_reader_destroy(job->reader);
		free(job);
		client_done(c);
		return;
	}
	job->sessions = json_array();
	job->asking.head.type = MSG_GATE_READ;
	job->at = zone;
	job->end = end;
	sessions_walk_begin(&job->walk, &c->engine->sessions, zone, end);
	c->job = job;
	list_next(c);
}
