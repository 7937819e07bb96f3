/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the requests of portalctl do that have no file of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build-config.h"
#include "common/cleanup.h"
#include "daemon/ability.h"
#include "daemon/check.h"
#include "daemon/control_server.h"
#include "daemon/egress.h"
#include "daemon/persist.h"

bool control_find_zones(struct client *c, uint32_t *ret_first, uint32_t *ret_end)
{
	const struct config *config = c->engine->config;

	if (!c->request.zone[0]) {
		*ret_first = 0;
		*ret_end = (uint32_t)config->zone_count;
		return true;
	}
	const int zone = config_find_zone(config, c->request.zone);

	if (zone < 0) {
		client_error(c, "there is no zone \"%s\"; portalctl status lists the zones",
			     c->request.zone);
		return false;
	}
	*ret_first = (uint32_t)zone;
	*ret_end = *ret_first + 1;
	return true;
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
	ability_tell(e, out);
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
	[CONTROL_SHOW] = control_list,	     [CONTROL_GRANT] = control_grant,
	[CONTROL_REVOKE] = control_revoke,   [CONTROL_SET] = control_set,
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
