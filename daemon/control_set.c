/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set: other limits, time or note for sessions that run, one transaction each, one after the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_server.h"
#include "daemon/egress.h"
#include "daemon/member.h"
#include "daemon/policy.h"

struct set_job {
	uint32_t first, zone, end; /* zones; the one that comes next */
	size_t at;		   /* of request.macs */
	bool found;		   /* that one, in a zone before */
	size_t changed;
	json_t *unknown;
};

static const char ending[] = "the session is ending";

static void set_next(struct client *c);

static void finish(struct client *c)
{
	struct set_job *job = c->job;

	client_send(c, json_pack("{s:I, s:o, s:O}", "changed", (json_int_t)job->changed, "unknown",
				 job->unknown, "refused", c->request.refused));
	c->job = NULL;
	free(job);
	client_done(c);
}

/* The one whose turn it is. */
static void refuse(struct client *c, const char *why)
{
	const struct set_job *job = c->job;
	char mac[MAC_TEXT_MAX];

	json_array_append_new(c->request.refused,
			      json_pack("{s:s, s:s}", "mac",
					mac_format(&c->request.macs[job->at], mac), "why", why));
}

static void changed(void *data, int error, size_t replaced)
{
	struct client *c = data;
	struct set_job *job = c->job;

	(void)replaced;
	if (error == 0)
		job->changed++;
	else
		refuse(c, error == -ESRCH
				  ? ending
				  : "the kernel refused the change; see the log of portald");
	set_next(c);
}

/* True: changed() will come. */
static bool change(struct client *c, const struct session *s)
{
	const struct control_request *q = &c->request;
	const struct policy_request request = {
		.ask = ASK_SET,
		.seconds = q->seconds,
		.more = q->more,
		.left_ms = session_left_ms(s),
		.seconds_max = CONFIG_SESSION_MAX,
		.zone_limits = s->limits,
		.limits = q->limits,
		.given = q->given,
	};
	const struct policy_decision d = policy_decide(&request);
	const struct member_change to = {
		.by = {"portalctl", c->uid},
		.event = "change",
		.left_ms = d.left_ms,
		.booted_ms = q->seconds ? 0 : s->booted_ms,
		.limits = d.limits,
		.note = q->has_note ? q->note : s->note,
	};

	if (d.verdict != POLICY_GRANT) {
		refuse(c, d.why);
		return false;
	}
	int r = member_change(c->engine, s, &to, changed, c);

	if (r < 0)
		refuse(c, r == -ESRCH ? ending : "out of memory");
	return r == 0;
}

static void next_mac(struct client *c)
{
	struct set_job *job = c->job;
	char mac[MAC_TEXT_MAX];

	if (!job->found)
		json_array_append_new(job->unknown,
				      json_string(mac_format(&c->request.macs[job->at], mac)));
	job->at++;
	job->zone = job->first;
	job->found = false;
}

static void set_next(struct client *c)
{
	struct set_job *job = c->job;

	while (job->at < c->request.mac_count) {
		const struct session *s = NULL;

		if (job->zone < job->end)
			s = sessions_find(&c->engine->sessions, job->zone,
					  &c->request.macs[job->at]);
		if (job->zone == job->end) {
			next_mac(c);
			continue;
		}
		job->zone++;
		job->found |= s != NULL;
		if (s && change(c, s))
			return;
	}
	finish(c);
}

void control_set(struct client *c)
{
	const char *refusal = egress_refusal(c->engine, &c->request.limits, c->request.given);
	struct set_job *job = refusal ? NULL : calloc(1, sizeof(*job));

	if (!job) {
		client_error(c, "%s", refusal ? refusal : "out of memory");
		client_done(c);
		return;
	}
	if (!control_find_zones(c, &job->first, &job->end)) {
		free(job);
		client_done(c);
		return;
	}
	job->zone = job->first;
	job->unknown = json_array();
	c->job = job;
	set_next(c);
}
