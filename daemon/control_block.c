/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block and unblock.  The list in memory comes first, so that no login can begin any more; then
 * sessions end, while the store writes the list; the answer waits for both.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/control_server.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/store.h"

struct block_job {
	uint32_t zone, end;
	size_t waiting; /* entries for the store, and one for the sessions */
	size_t changed, ended;
	int error; /* of the kernel */
	json_t *unknown;
	struct mac macs[CHANGE_MAX];
};

static void release(struct client *c)
{
	struct block_job *job = c->job;

	if (--job->waiting > 0)
		return;
	if (job->error < 0)
		client_error(c,
			     "blocked, but the kernel refused to end the sessions: %s; see the log "
			     "of portald",
			     strerror(-job->error));
	else if (c->request.verb == CONTROL_BLOCK)
		client_send(c, json_pack("{s:I, s:I, s:O}", "blocked", (json_int_t)job->changed,
					 "ended", (json_int_t)job->ended, "refused",
					 c->request.refused));
	else
		client_send(c, json_pack("{s:I, s:O, s:O}", "unblocked", (json_int_t)job->changed,
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

static void audit(struct client *c, const struct store_entry *entry, const char *action)
{
	store_audit(persist_store(c->engine), "portalctl", c->uid, action, entry->zone, &entry->mac,
		    entry->note);
}

/* False: no memory. */
static bool block_one(struct client *c, const struct store_entry *entry)
{
	struct block_job *job = c->job;

	if (blocklist_put(&c->engine->blocklist, entry) < 0 ||
	    store_put_entry(persist_store(c->engine), entry, stored, c) < 0)
		return false;
	job->waiting++;
	job->changed++;
	audit(c, entry, "block");
	return true;
}

static bool unblock_one(struct client *c, const struct store_entry *entry)
{
	struct block_job *job = c->job;
	char mac[MAC_TEXT_MAX];

	if (!blocklist_remove(&c->engine->blocklist, entry->zone, &entry->mac))
		return json_array_append_new(job->unknown,
					     json_string(mac_format(&entry->mac, mac))) == 0;
	if (store_remove_entry(persist_store(c->engine), entry, stored, c) < 0)
		return false;
	job->waiting++;
	job->changed++;
	audit(c, entry, "unblock");
	return true;
}

static void end_sessions(void *data, int error, size_t count)
{
	struct client *c = data;
	struct block_job *job = c->job;

	job->ended += count;
	job->error = error;
	for (; job->zone < job->end && job->error == 0; job->zone++) {
		size_t n = 0;

		for (size_t i = 0; i < c->request.mac_count; i++) {
			if (sessions_find(&c->engine->sessions, job->zone, &c->request.macs[i]))
				job->macs[n++] = c->request.macs[i];
		}
		if (n == 0)
			continue;
		job->error = member_revoke(c->engine, job->zone, job->macs, n,
					   &(struct actor){"portalctl", c->uid}, "block",
					   end_sessions, c);
		if (job->error == 0)
			return;
	}
	release(c);
}

void control_block(struct client *c)
{
	const bool block = c->request.verb == CONTROL_BLOCK;
	struct block_job *job = calloc(1, sizeof(*job));
	struct store_entry entry = {.list = STORE_BLOCK, .added_unix = now_unix()};

	if (!job || !control_find_zones(c, &job->zone, &job->end)) {
		if (!job)
			client_error(c, "out of memory");
		free(job);
		client_done(c);
		return;
	}
	c->job = job;
	job->unknown = json_array();
	job->waiting = 1;
	memcpy(entry.zone, c->request.zone, sizeof(entry.zone));
	memcpy(entry.note, c->request.note, sizeof(entry.note));
	for (size_t i = 0; i < c->request.mac_count; i++) {
		entry.mac = c->request.macs[i];
		if (!(block ? block_one : unblock_one)(c, &entry)) {
			engine_fail(c->engine, "out of memory");
			break;
		}
	}
	if (block)
		end_sessions(c, 0, 0);
	else
		release(c);
}
