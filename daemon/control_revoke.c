/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * revoke: in portions of one zone, several of which are on their way at a time, as for a grant; those share
 * the dumps of forget.c as well, hence more of them.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/control_server.h"
#include "daemon/member.h"
#include "daemon/policy.h"

enum { WINDOW = 16 }; /* portions on their way */

struct revoke_job {
	struct sessions_walk walk; /* --all */
	uint32_t zone, end;	   /* else: the next to look in ... */
	size_t at;		   /* ... for request.macs from this one on */
	bool *known;		   /* of request.macs: had a session somewhere */
	size_t under_way, revoked;
	int error; /* the first one */
};

/* A portion of one zone. */
struct portion {
	uint32_t zone;
	size_t count;
	struct mac macs[CHANGE_MAX];
};

static void gather_all(struct revoke_job *job, struct portion *p)
{
	struct session *s;

	while (p->count < CHANGE_MAX && (s = sessions_walk_next(&job->walk))) {
		if (p->count > 0 && s->key.zone != p->zone) {
			sessions_walk_back(&job->walk, s);
			return;
		}
		p->zone = s->key.zone;
		p->macs[p->count++] = s->key.mac;
	}
}

static void gather_in_zone(struct client *c, struct portion *p)
{
	struct revoke_job *job = c->job;

	for (; job->at < c->request.mac_count && p->count < CHANGE_MAX; job->at++) {
		const struct mac *mac = &c->request.macs[job->at];
		const struct policy_request request = {
			.ask = ASK_REVOKE,
			.has_session = sessions_find(&c->engine->sessions, job->zone, mac) != NULL,
		};

		if (policy_decide(&request).verdict != POLICY_REVOKE)
			continue;
		job->known[job->at] = true;
		p->macs[p->count++] = *mac;
	}
}

static void gather(struct client *c, struct portion *p)
{
	struct revoke_job *job = c->job;

	p->count = 0;
	if (c->request.all) {
		gather_all(job, p);
		return;
	}
	while (job->zone < job->end && p->count == 0) {
		p->zone = job->zone;
		gather_in_zone(c, p);
		if (job->at == c->request.mac_count) {
			job->at = 0;
			job->zone++;
		}
	}
}

static json_t *unknown_of(const struct client *c)
{
	const struct revoke_job *job = c->job;
	json_t *unknown = json_array();
	char mac[MAC_TEXT_MAX];

	for (size_t i = 0; i < c->request.mac_count; i++) {
		if (!job->known[i])
			json_array_append_new(unknown,
					      json_string(mac_format(&c->request.macs[i], mac)));
	}
	for (size_t i = 0; !c->request.all && i < json_array_size(c->request.refused); i++)
		json_array_append(unknown,
				  json_object_get(json_array_get(c->request.refused, i), "mac"));
	return unknown;
}

static void job_free(struct revoke_job *job)
{
	if (!job)
		return;
	sessions_walk_end(&job->walk);
	free(job->known);
	free(job);
}

static void finish(struct client *c)
{
	struct revoke_job *job = c->job;

	if (job->error < 0)
		client_error(c, "the kernel refused the revoke: %s; see the log of portald",
			     strerror(-job->error));
	else
		client_send(c, json_pack("{s:I, s:o}", "revoked", (json_int_t)job->revoked,
					 "unknown", unknown_of(c)));
	job_free(job);
	c->job = NULL;
	client_done(c);
}

static void revoked(void *data, int error, size_t count);

static void go_on(struct client *c)
{
	const struct actor by = {"portalctl", c->uid};
	struct revoke_job *job = c->job;

	while (job->error == 0 && job->under_way < WINDOW) {
		struct portion p;

		gather(c, &p);
		if (p.count == 0)
			break;
		job->error = member_revoke(c->engine, p.zone, p.macs, p.count, &by, "revoke",
					   revoked, c);
		job->under_way += job->error == 0;
	}
	if (job->under_way == 0)
		finish(c);
}

static void revoked(void *data, int error, size_t count)
{
	struct client *c = data;
	struct revoke_job *job = c->job;

	job->under_way--;
	job->revoked += count;
	if (job->error == 0)
		job->error = error;
	go_on(c);
}

void control_revoke(struct client *c)
{
	struct revoke_job *job;
	uint32_t zone, end;

	if (!control_find_zones(c, &zone, &end)) {
		client_done(c);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (job)
		sessions_walk_begin(&job->walk, &c->engine->sessions, zone, end);
	if (job)
		job->known = calloc(c->request.mac_count + 1, sizeof(*job->known));
	if (!job || !job->known) {
		job_free(job);
		client_error(c, "out of memory");
		client_done(c);
		return;
	}
	job->zone = zone;
	job->end = end;
	c->job = job;
	go_on(c);
}
