/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the requests of portalctl do, but for list and show (control_list.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build-config.h"
#include "common/cleanup.h"
#include "daemon/check.h"
#include "daemon/control_server.h"
#include "daemon/egress.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/policy.h"

bool control_find_zones(struct client *c, uint32_t *ret_first, uint32_t *ret_end)
{
	const struct config *config = c->engine->config;

	if (!c->request.zone[0]) {
		*ret_first = 0;
		*ret_end = (uint32_t)config->zone_count;
		return true;
	}
	for (uint32_t i = 0; i < config->zone_count; i++) {
		if (strcmp(config->zones[i].name, c->request.zone) == 0) {
			*ret_first = i;
			*ret_end = i + 1;
			return true;
		}
	}
	client_error(c, "there is no zone \"%s\"; portalctl status lists the zones",
		     c->request.zone);
	return false;
}

static json_t *zone_status(const struct engine *e, uint32_t i)
{
	static const char *const states[] = {
		[0] = "missing",	  [LINK_MISSING] = "missing",
		[LINK_READY] = "ready",	  [LINK_REFUSED] = "refused",
		[LINK_FAILED] = "failed",
	};
	const struct zone_config *z = &e->config->zones[i];
	const struct pair *pair = config_pair(e->config, z);
	char uri[CONFIG_API_URI_MAX + 1];
	const char *why, *api = config_api_uri(e->config, z, uri, &why);

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:I, s:s?, s:b, s:s?, s:s?, s:s}", "name",
		z->name, "interface", z->interface, "state", states[e->links[i]], "divert",
		z->divert == DIVERT_QUEUE ? "queue" : "redirect", "login", "click-through",
		"session", (json_int_t)z->session, "portal-port", (int)z->portal_port,
		"divert-port", (int)z->divert_port, "sessions",
		(json_int_t)e->sessions.zones[i].count, "hostname", config_hostname(e->config, z),
		"https", pair && pair->chain_pem, "api", api, "no-api", why, "revocation-hosts",
		pair ? pair->hosts + strspn(pair->hosts, " ") : "");
}

static json_t *warnings_of(const struct engine *e)
{
	CLEANUP(cleanup_free) char *text = NULL;
	json_t *warnings = json_array();
	char trouble[ERROR_TEXT_MAX + 128];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return warnings;
	check_host(e->config, out);
	if (e->no_egress)
		egress_tell_loss(e->config, out);
	fclose(out);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		json_array_append_new(warnings, json_string(line));
	if (persist_trouble(e))
		json_array_append_new(warnings, json_string(persist_trouble(e)));
	if (gate_client_trouble(&e->gate, trouble, sizeof(trouble)))
		json_array_append_new(warnings, json_string(trouble));
	return warnings;
}

static void run_status(struct client *c)
{
	const struct engine *e = c->engine;
	json_t *zones = json_array(), *processes = json_array();

	for (uint32_t i = 0; i < e->config->zone_count; i++)
		json_array_append_new(zones, zone_status(e, i));
	json_array_append_new(processes,
			      json_pack("{s:s, s:i}", "name", "portald", "pid", (int)getpid()));
	json_array_append_new(processes, json_pack("{s:s, s:i}", "name", "portald-gate", "pid",
						   (int)e->gate_pid));
	for (size_t i = 0; i < e->worker_count; i++)
		json_array_append_new(processes, json_pack("{s:s, s:i}", "name", "portald-web",
							   "pid", (int)e->workers[i].pid));
	client_send(c, json_pack("{s:s, s:i, s:I, s:s, s:o, s:o, s:o}", "version", PORTALD_VERSION,
				 "pid", (int)getpid(), "uptime",
				 (json_int_t)((now_boot_ms() - e->started_ms) / 1000), "config",
				 e->config->path, "zones", zones, "processes", processes,
				 "warnings", warnings_of(e)));
	client_done(c);
}

static void grant_done(void *data, int error, size_t replaced)
{
	struct client *c = data;
	size_t count = c->request.mac_count;

	if (error < 0)
		client_error(c, "the kernel refused the grant: %s; see the log of portald",
			     strerror(-error));
	else
		client_send(c, json_pack("{s:I, s:I, s:O}", "granted",
					 (json_int_t)(count - replaced), "replaced",
					 (json_int_t)replaced, "refused", c->request.refused));
	client_done(c);
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

/* True: grant_done() will come. */
static bool start_grant(struct client *c)
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
	leave_listed_out(c, zone);
	const struct member_grant grant = {
		.by = {"portalctl", c->uid},
		.zone = zone,
		.how = HOW_GRANT,
		.seconds = d.seconds,
		.limits = d.limits,
		.note = c->request.note,
		.macs = c->request.macs,
		.count = c->request.mac_count,
	};
	if (c->request.mac_count == 0) {
		client_send(c, json_pack("{s:i, s:i, s:O}", "granted", 0, "replaced", 0, "refused",
					 c->request.refused));
		return false;
	}
	if (member_grant(c->engine, &grant, grant_done, c) == 0)
		return true;
	client_error(c, "out of memory");
	return false;
}

static void run_grant(struct client *c)
{
	if (!start_grant(c))
		client_done(c);
}

/* A revoke goes zone by zone, CHANGE_MAX sessions at a time. */
struct revoke_job {
	uint32_t zone, end;
	size_t revoked;
	bool *known; /* of request.macs: had a session somewhere */
	struct mac macs[CHANGE_MAX];
};

static size_t gather(struct client *c)
{
	const struct sessions *sessions = &c->engine->sessions;
	struct revoke_job *job = c->job;
	size_t n = 0;

	if (c->request.all) {
		for (const struct session *s = sessions->all; s && n < CHANGE_MAX; s = s->hh.next) {
			if (s->key.zone == job->zone)
				job->macs[n++] = s->key.mac;
		}
		return n;
	}
	for (size_t i = 0; i < c->request.mac_count; i++) {
		const struct policy_request request = {
			.ask = ASK_REVOKE,
			.has_session =
				sessions_find(sessions, job->zone, &c->request.macs[i]) != NULL,
		};

		if (policy_decide(&request).verdict != POLICY_REVOKE)
			continue;
		job->known[i] = true;
		job->macs[n++] = c->request.macs[i];
	}
	return n;
}

static void revoke_end(struct client *c, int error)
{
	struct revoke_job *job = c->job;
	json_t *unknown = json_array();
	char mac[MAC_TEXT_MAX];

	for (size_t i = 0; i < c->request.mac_count; i++) {
		if (!job->known[i])
			json_array_append_new(unknown,
					      json_string(mac_format(&c->request.macs[i], mac)));
	}
	if (!c->request.all)
		for (size_t i = 0; i < json_array_size(c->request.refused); i++)
			json_array_append(
				unknown,
				json_object_get(json_array_get(c->request.refused, i), "mac"));
	if (error < 0) {
		client_error(c, "the kernel refused the revoke: %s; see the log of portald",
			     strerror(-error));
		json_decref(unknown);
	} else {
		client_send(c, json_pack("{s:I, s:o}", "revoked", (json_int_t)job->revoked,
					 "unknown", unknown));
	}
	free(job->known);
	free(job);
	c->job = NULL;
	client_done(c);
}

static void revoke_next(void *data, int error, size_t count)
{
	struct client *c = data;
	struct revoke_job *job = c->job;

	job->revoked += count;
	for (; job->zone < job->end && error == 0; job->zone++) {
		size_t n = gather(c);

		if (n == 0)
			continue;
		error = member_revoke(c->engine, job->zone, job->macs, n,
				      &(struct actor){"portalctl", c->uid}, "revoke", revoke_next,
				      c);
		if (error == 0)
			return;
	}
	revoke_end(c, error);
}

static void run_revoke(struct client *c)
{
	uint32_t zone, end;

	if (!control_find_zones(c, &zone, &end)) {
		client_done(c);
		return;
	}
	struct revoke_job *job = calloc(1, sizeof(*job));
	bool *known = calloc(c->request.mac_count + 1, sizeof(*known));

	if (!job || !known) {
		free(job);
		free(known);
		client_error(c, "out of memory");
		client_done(c);
		return;
	}
	job->zone = zone;
	job->end = end;
	job->known = known;
	c->job = job;
	revoke_next(c, 0, 0);
}

static void run_metrics(struct client *c)
{
	CLEANUP(cleanup_free) char *text = metrics_text(c->engine);

	if (text)
		client_send(c, json_pack("{s:s}", "metrics", text));
	else
		client_error(c, "out of memory");
	client_done(c);
}

static void run_watch(struct client *c)
{
	c->watching = true;
	client_send(c, json_pack("{s:b}", "watching", 1));
	client_done(c);
}

static void (*const runs[])(struct client *c) = {
	[CONTROL_STATUS] = run_status,	     [CONTROL_LIST] = control_list,
	[CONTROL_SHOW] = control_list,	     [CONTROL_GRANT] = run_grant,
	[CONTROL_REVOKE] = run_revoke,	     [CONTROL_SET] = control_set,
	[CONTROL_BLOCK] = control_lists,     [CONTROL_UNBLOCK] = control_lists,
	[CONTROL_TRUST] = control_lists,     [CONTROL_UNTRUST] = control_lists,
	[CONTROL_BLOCKED] = control_listed,  [CONTROL_TRUSTED] = control_listed,
	[CONTROL_HISTORY] = control_history, [CONTROL_WATCH] = run_watch,
	[CONTROL_METRICS] = run_metrics,
};

void control_run(struct client *c)
{
	runs[c->request.verb](c);
}
