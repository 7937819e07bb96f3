/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block, unblock, trust and untrust.  The list in memory comes first, so that no login can begin any
 * more; then the kernel changes, zone by zone, while the store writes the list; the answer waits for
 * both.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/control_server.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/store.h"
#include "daemon/trust.h"

struct list_job {
	const struct list_verb *verb;
	uint32_t first, zone, end;
	size_t at;	/* of changed: the next to look at in this zone */
	size_t waiting; /* entries for the store, and one for the kernel */
	size_t ended;
	int error; /* of the kernel */
	json_t *unknown;
	struct mac changed[CONTROL_MACS_MAX], macs[CHANGE_MAX];
	size_t changed_count;
};

/* What is done in the kernel with the devices whose entries changed. */
struct list_verb {
	enum control_verb verb;
	enum store_list list;
	bool put;
	const char *name, *done;
	const char *conflict; /* why a device of the other list is refused */
	/* Is there something to do for this one? */
	bool (*concerns)(const struct engine *e, uint32_t zone, const struct mac *mac);
	int (*change)(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
		      const struct actor *by, member_done_fn *done, void *data);
};

static void release(struct client *c)
{
	struct list_job *job = c->job;
	const struct list_verb *v = job->verb;

	if (--job->waiting > 0)
		return;
	if (job->error < 0)
		client_error(c, "%s, but the kernel refused the change: %s; see the log of portald",
			     v->done, strerror(-job->error));
	else if (v->put)
		client_send(c, json_pack("{s:I, s:I, s:O}", v->done, (json_int_t)job->changed_count,
					 "ended", (json_int_t)job->ended, "refused",
					 c->request.refused));
	else
		client_send(c, json_pack("{s:I, s:O, s:O}", v->done, (json_int_t)job->changed_count,
					 "unknown", job->unknown, "refused", c->request.refused));
	json_decref(job->unknown);
	free(job);
	c->job = NULL;
	client_done(c);
}

static void stored(void *data, int error)
{
	(void)error; /* the store has told it, and tries again */
	release(data);
}

static void note_change(struct client *c, const struct store_entry *entry)
{
	struct list_job *job = c->job;

	job->waiting++;
	job->changed[job->changed_count++] = entry->mac;
	store_audit(persist_store(c->engine), "portalctl", c->uid, job->verb->name, entry->zone,
		    &entry->mac, entry->note);
}

/* Does the other list have the device in one of the zones that are meant? */
static bool conflicts(const struct client *c, const struct mac *mac)
{
	const struct list_job *job = c->job;
	const struct engine *e = c->engine;
	const struct maclist *other =
		&e->lists[job->verb->list == STORE_BLOCK ? STORE_TRUST : STORE_BLOCK];

	for (uint32_t zone = job->first; zone < job->end; zone++) {
		if (maclist_find(other, e->config->zones[zone].name, mac))
			return true;
	}
	return false;
}

/* False: no memory. */
static bool put_one(struct client *c, const struct store_entry *entry)
{
	const struct list_job *job = c->job;
	char mac[MAC_TEXT_MAX];

	if (conflicts(c, &entry->mac))
		return json_array_append_new(c->request.refused,
					     json_pack("{s:s, s:s}", "mac",
						       mac_format(&entry->mac, mac), "why",
						       job->verb->conflict)) == 0;
	if (maclist_put(&c->engine->lists[entry->list], entry) < 0 ||
	    store_put_entry(persist_store(c->engine), entry, stored, c) < 0)
		return false;
	note_change(c, entry);
	return true;
}

static bool remove_one(struct client *c, const struct store_entry *entry)
{
	const struct list_job *job = c->job;
	char mac[MAC_TEXT_MAX];

	if (!maclist_remove(&c->engine->lists[entry->list], entry->zone, &entry->mac))
		return json_array_append_new(job->unknown,
					     json_string(mac_format(&entry->mac, mac))) == 0;
	if (store_remove_entry(persist_store(c->engine), entry, stored, c) < 0)
		return false;
	note_change(c, entry);
	return true;
}

static bool has_session(const struct engine *e, uint32_t zone, const struct mac *mac)
{
	return sessions_find(&e->sessions, zone, mac) != NULL;
}

/* By no other entry. */
static bool is_out(const struct engine *e, uint32_t zone, const struct mac *mac)
{
	return !trust_covers(e, zone, mac) && !has_session(e, zone, mac);
}

static int end_sessions(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
			const struct actor *by, member_done_fn *done, void *data)
{
	return member_revoke(e, zone, macs, count, by, "block", done, data);
}

static const struct list_verb list_verbs[] = {
	{CONTROL_BLOCK, STORE_BLOCK, true, "block", "blocked",
	 "it is trusted; portalctl untrust it first", has_session, end_sessions},
	{CONTROL_UNBLOCK, STORE_BLOCK, false, "unblock", "unblocked", NULL, NULL, NULL},
	{CONTROL_TRUST, STORE_TRUST, true, "trust", "trusted",
	 "it is blocked; portalctl unblock it first", trust_covers, trust_begin},
	{CONTROL_UNTRUST, STORE_TRUST, false, "untrust", "untrusted", NULL, is_out, trust_end},
};

static const struct list_verb *find_verb(enum control_verb verb)
{
	const struct list_verb *v = list_verbs;

	while (v->verb != verb)
		v++;
	return v;
}

/* The next portion of this zone; 0: there is no more. */
static size_t gather(const struct client *c)
{
	struct list_job *job = c->job;
	size_t n = 0;

	for (; job->at < job->changed_count && n < CHANGE_MAX; job->at++) {
		if (job->verb->concerns(c->engine, job->zone, &job->changed[job->at]))
			job->macs[n++] = job->changed[job->at];
	}
	return n;
}

static void change_zones(void *data, int error, size_t count)
{
	struct client *c = data;
	struct list_job *job = c->job;
	const struct list_verb *v = job->verb;

	job->ended += count;
	job->error = error;
	while (v->change && job->zone < job->end && job->error == 0) {
		const size_t n = gather(c);

		if (n == 0) {
			job->zone++;
			job->at = 0;
			continue;
		}
		job->error = v->change(c->engine, job->zone, job->macs, n,
				       &(struct actor){"portalctl", c->uid}, change_zones, c);
		if (job->error == 0)
			return;
	}
	release(c);
}

void control_lists(struct client *c)
{
	const struct list_verb *v = find_verb(c->request.verb);
	struct list_job *job = calloc(1, sizeof(*job));
	struct store_entry entry = {.list = v->list, .added_unix = now_unix()};

	if (!job || !control_find_zones(c, &job->first, &job->end)) {
		if (!job)
			client_error(c, "out of memory");
		free(job);
		client_done(c);
		return;
	}
	c->job = job;
	job->verb = v;
	job->zone = job->first;
	job->unknown = json_array();
	job->waiting = 1;
	memcpy(entry.zone, c->request.zone, sizeof(entry.zone));
	memcpy(entry.note, c->request.note, sizeof(entry.note));
	for (size_t i = 0; i < c->request.mac_count; i++) {
		entry.mac = c->request.macs[i];
		if (!(v->put ? put_one : remove_one)(c, &entry)) {
			engine_fail(c->engine, "out of memory");
			break;
		}
	}
	change_zones(c, 0, 0);
}
