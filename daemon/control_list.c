/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list and show.  The sessions to tell are noted first, sorted by zone and MAC; then, in portions
 * of one zone, the gate reads their counters, and each portion leaves before the next one is asked
 * for: a long list neither stops the loop nor fills the memory.
 */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_server.h"
#include "daemon/neigh.h"

_Static_assert((int)CONTROL_LIST_MAX <= (int)COUNTERS_MAX, "a portion is one question to the gate");

struct list_job {
	struct session_key *keys;
	size_t count, at;
	size_t portion; /* keys of the question under way */
	json_t *sessions;
	uint32_t zone; /* of neighbours */
	struct neighbour *neighbours;
	size_t neighbour_count;
};

static int by_key(const void *a, const void *b)
{
	const struct session_key *x = a, *y = b;

	if (x->zone != y->zone)
		return x->zone < y->zone ? -1 : 1;
	return memcmp(x->mac.b, y->mac.b, MAC_LEN);
}

static void list_end(struct client *c)
{
	struct list_job *job = c->job;

	free(job->keys);
	free(job->neighbours);
	json_decref(job->sessions);
	free(job);
	c->job = NULL;
	client_done(c);
}

static void read_neighbours(struct client *c, uint32_t zone)
{
	unsigned int ifindex = if_nametoindex(c->engine->config->zones[zone].interface);
	struct list_job *job = c->job;

	if (job->neighbours && job->zone == zone)
		return;
	free(job->neighbours);
	job->neighbours = NULL;
	job->neighbour_count = 0;
	job->zone = zone;
	if (ifindex)
		neigh_list(&c->engine->rtnl, ifindex, &job->neighbours, &job->neighbour_count);
}

static json_t *addresses(const struct list_job *job, const struct mac *mac)
{
	const struct neighbour *n = neigh_first(job->neighbours, job->neighbour_count, mac);
	json_t *list = json_array();
	char text[ADDR_TEXT_MAX];

	for (; n && n < job->neighbours + job->neighbour_count && mac_equal(&n->mac, mac); n++)
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
	bool good = msg->head.type == MSG_GATE_COUNTERS && msg->gate_counters.count == job->portion;

	read_neighbours(c, job->keys[job->at].zone);
	for (size_t i = 0; i < job->portion; i++) {
		const struct session_key *key = &job->keys[job->at + i];
		struct session *s = sessions_find(&c->engine->sessions, key->zone, &key->mac);

		if (s && good)
			session_count(s, &msg->gate_counters.counters[i]);
		if (s)
			json_array_append_new(job->sessions, describe(c, s));
	}
	job->at += job->portion;
	if (c->request.verb == CONTROL_LIST) {
		client_send(c, json_pack("{s:o, s:b}", "sessions", job->sessions, "more",
					 job->at < job->count));
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

	if (c->request.verb == CONTROL_LIST && job->count == 0)
		client_send(c, json_pack("{s:[], s:b}", "sessions", "more", 0));
	else if (c->request.verb == CONTROL_SHOW && json_array_size(job->sessions) == 0)
		tell_absence(c);
	else if (c->request.verb == CONTROL_SHOW)
		client_send(c, json_pack("{s:O}", "sessions", job->sessions));
	list_end(c);
}

static void list_next(struct client *c)
{
	struct gate_read read = {.head = {MSG_GATE_READ, 0}};
	struct list_job *job = c->job;

	c->drained = NULL;
	if (job->at == job->count || !c->io) {
		list_finish(c);
		return;
	}
	if (client_has_output(c)) {
		c->drained = list_next;
		return;
	}
	read.zone = job->keys[job->at].zone;
	while (read.count < CONTROL_LIST_MAX && job->at + read.count < job->count &&
	       job->keys[job->at + read.count].zone == read.zone) {
		read.macs[read.count] = job->keys[job->at + read.count].mac;
		read.count++;
	}
	job->portion = read.count;
	if (gate_client_ask(&c->engine->gate, &read.head, counted, c) < 0) {
		client_error(c, "out of memory");
		list_end(c);
	}
}

void control_list(struct client *c)
{
	const struct sessions *sessions = &c->engine->sessions;

	struct list_job *job = calloc(1, sizeof(*job));
	struct session_key *keys = calloc(HASH_COUNT(sessions->all) + 1, sizeof(*keys));
	uint32_t zone, end;

	if (!control_find_zones(c, &zone, &end)) {
		free(job);
		free(keys);
		client_done(c);
		return;
	}
	if (!job || !keys) {
		free(job);
		free(keys);
		client_error(c, "out of memory");
		client_done(c);
		return;
	}
	job->keys = keys;
	job->sessions = json_array();
	c->job = job;
	for (const struct session *s = sessions->all; s; s = s->hh.next) {
		if (s->key.zone >= zone && s->key.zone < end &&
		    (c->request.mac_count == 0 || mac_equal(&s->key.mac, &c->request.macs[0])))
			keys[job->count++] = s->key;
	}
	qsort(keys, job->count, sizeof(*keys), by_key);
	list_next(c);
}
