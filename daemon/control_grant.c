/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grant: in portions, a few of which are on their way at a time, so that neither the loop nor the gate is
 * busy with one of them for long, and those that wait for the disk share a commit.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/control_server.h"
#include "daemon/egress.h"
#include "daemon/member.h"
#include "daemon/policy.h"

enum { WINDOW = 8 }; /* portions on their way */

struct grant_job {
	struct member_grant grant; /* of the next portion */
	size_t at;		   /* of request.macs */
	size_t under_way, replaced;
	int error; /* the first one */
};

static void finish(struct client *c)
{
	struct grant_job *job = c->job;
	const size_t count = c->request.mac_count;

	if (job->error < 0)
		client_error(c, "the kernel refused the grant: %s; see the log of portald%s",
			     strerror(-job->error),
			     count > CHANGE_MAX ? "; of so many devices some are online, as "
						  "portalctl list shows"
						: "");
	else
		client_send(c, json_pack("{s:I, s:I, s:O}", "granted",
					 (json_int_t)(count - job->replaced), "replaced",
					 (json_int_t)job->replaced, "refused", c->request.refused));
	free(job);
	c->job = NULL;
	client_done(c);
}

static void granted(void *data, int error, size_t replaced);

static void go_on(struct client *c)
{
	struct grant_job *job = c->job;

	while (job->error == 0 && job->under_way < WINDOW && job->at < c->request.mac_count) {
		const size_t left = c->request.mac_count - job->at;

		job->grant.macs = c->request.macs + job->at;
		job->grant.count = left < CHANGE_MAX ? left : CHANGE_MAX;
		job->error = member_grant(c->engine, &job->grant, granted, c);
		job->at += job->grant.count;
		job->under_way += job->error == 0;
	}
	if (job->under_way == 0)
		finish(c);
}

static void granted(void *data, int error, size_t replaced)
{
	struct client *c = data;
	struct grant_job *job = c->job;

	job->under_way--;
	job->replaced += replaced;
	if (job->error == 0)
		job->error = error;
	go_on(c);
}

/* Devices that are on a list are refused by themselves. */
static void leave_listed_out(struct client *c, uint32_t zone)
{
	static const char *const texts[STORE_LISTS] = {
		[STORE_TRUST] = "it is trusted, and online without a grant; see portalctl untrust",
		[STORE_BLOCK] = "it is blocked; see portalctl unblock",
	};
	const struct engine *e = c->engine;
	const char *name = e->config->zones[zone].name;
	size_t kept = 0;
	char mac[MAC_TEXT_MAX];

	for (size_t i = 0; i < c->request.mac_count; i++) {
		const struct mac *m = &c->request.macs[i];
		size_t list = STORE_LISTS; /* the last that has it: blocked beats trusted */

		while (list > 0 && !maclist_find(&e->lists[list - 1], name, m))
			list--;
		if (list > 0)
			json_array_append_new(c->request.refused,
					      json_pack("{s:s, s:s}", "mac", mac_format(m, mac),
							"why", texts[list - 1]));
		else
			c->request.macs[kept++] = *m;
	}
	c->request.mac_count = kept;
}

/* False: the request has been answered with why not. */
static bool decide(struct client *c, struct member_grant *ret_grant)
{
	const struct config *config = c->engine->config;
	uint32_t zone, end;

	if (!control_find_zones(c, &zone, &end))
		return false;
	if (end - zone != 1) {
		client_error(c, "there are %zu zones: name one with --zone", config->zone_count);
		return false;
	}
	const struct policy_request request = {
		.ask = ASK_GRANT,
		.zone_session = config->zones[zone].session,
		.seconds = c->request.seconds,
		.seconds_max = CONFIG_SESSION_MAX,
		.zone_limits = config->zones[zone].limits,
		.limits = c->request.limits,
		.given = c->request.given,
	};
	const struct policy_decision d = policy_decide(&request);
	const char *refusal = egress_refusal(c->engine, &c->request.limits, c->request.given);

	if (d.verdict != POLICY_GRANT || refusal) {
		client_error(c, "%s", refusal ? refusal : d.why);
		return false;
	}
	*ret_grant = (struct member_grant){
		.by = {"portalctl", c->uid},
		.zone = zone,
		.how = HOW_GRANT,
		.seconds = d.seconds,
		.limits = d.limits,
		.note = c->request.note,
	};
	return true;
}

void control_grant(struct client *c)
{
	struct grant_job *job = calloc(1, sizeof(*job));

	if (!job || !decide(c, &job->grant)) {
		if (!job)
			client_error(c, "out of memory");
		free(job);
		client_done(c);
		return;
	}
	leave_listed_out(c, job->grant.zone);
	c->job = job;
	go_on(c);
}
