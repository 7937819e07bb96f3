/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: the gateway itself. */
#include <string.h>

#include "common/cleanup.h"
#include "common/duration.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

static enum colour state_colour(const char *state)
{
	static const struct {
		const char *state;
		enum colour colour;
	} colours[] = {
		{"ready", COLOUR_GREEN},
		{"missing", COLOUR_YELLOW},
		{"refused", COLOUR_RED},
		{"failed", COLOUR_RED},
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
		if (strcmp(colours[i].state, state) == 0)
			return colours[i].colour;
	}
	return COLOUR_NONE;
}

static int add_zone(struct table *table, json_t *zone)
{
	const char *name, *interface, *state, *divert, *login;
	json_int_t session, portal_port, divert_port, sessions;
	char duration[DURATION_TEXT_MAX], count[UNIT_TEXT_MAX], ports[64];

	if (json_unpack(zone, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "name", &name,
			"interface", &interface, "state", &state, "divert", &divert, "login",
			&login, "session", &session, "portal-port", &portal_port, "divert-port",
			&divert_port, "sessions", &sessions) < 0 ||
	    session < 0 || sessions < 0)
		return -1;
	snprintf(ports, sizeof(ports), "%lld, %lld", (long long)portal_port,
		 (long long)divert_port);
	table_add(table, COLOUR_NONE, name);
	table_add(table, COLOUR_NONE, interface);
	table_add(table, state_colour(state), state);
	table_add(table, COLOUR_NONE, divert);
	table_add(table, COLOUR_NONE, login);
	table_add(table, COLOUR_NONE, duration_format((uint64_t)session, duration));
	table_add(table, COLOUR_NONE, ports);
	table_add(table, COLOUR_NONE, output_count((uint64_t)sessions, count));
	return 0;
}

/* A row for each zone; -1: one of them is not as control.h has it. */
static int print_rows(const json_t *zones, const struct column *columns, size_t count,
		      int (*add)(struct table *table, json_t *zone))
{
	struct table *table = table_create(columns, count);
	json_t *zone;
	size_t i;
	int r = 0;

	json_array_foreach (zones, i, zone) {
		if (add(table, zone) < 0)
			r = -1;
	}
	if (r == 0) {
		putchar('\n');
		table_print(table, stdout);
	}
	table_destroy(table);
	return r;
}

static int print_zones(const json_t *zones)
{
	static const struct column columns[] = {
		{"ZONE", false, 0},   {"INTERFACE", false, 0}, {"STATE", false, 0},
		{"DIVERT", false, 0}, {"LOGIN", false, 0},     {"SESSION", true, 0},
		{"PORTS", false, 0},  {"ONLINE", true, 0},
	};

	return print_rows(zones, columns, sizeof(columns) / sizeof(columns[0]), add_zone);
}

/* Where guests find the portal, and what DHCP may tell their devices of it. */
static int add_portal(struct table *table, json_t *zone)
{
	const char *name = json_string_value(json_object_get(zone, "name")),
		   *hostname = json_string_value(json_object_get(zone, "hostname")),
		   *api = json_string_value(json_object_get(zone, "api"));
	const bool https = json_is_true(json_object_get(zone, "https"));
	char portal[300];

	if (!name)
		return -1;
	if (hostname)
		snprintf(portal, sizeof(portal), "%s://%.256s", https ? "https" : "http", hostname);
	table_add(table, COLOUR_NONE, name);
	table_add(table, https ? COLOUR_GREEN : COLOUR_YELLOW,
		  hostname ? portal : "http://, the gateway's address");
	table_add(table, COLOUR_NONE, api ? api : "none");
	return 0;
}

static int print_portals(const json_t *zones)
{
	static const struct column columns[] = {
		{"ZONE", false, 0}, {"PORTAL", false, 0}, {"API IN DHCP", false, 0}};

	return print_rows(zones, columns, sizeof(columns) / sizeof(columns[0]), add_portal);
}

/* What a portal without a certificate cannot do. */
static void print_loss(const json_t *zones)
{
	json_t *zone;
	size_t i, plain = 0;

	json_array_foreach (zones, i, zone) {
		if (json_is_true(json_object_get(zone, "https")))
			continue;
		printf("%s%s", plain++ == 0 ? "\nwithout https: " : ", ",
		       json_string_value(json_object_get(zone, "name")));
	}
	if (plain == 0)
		return;
	puts("\n  what guests type and read there can be read and changed by others on their network");
	puts("  devices have no captive portal API: they do not learn how much time and data is left,");
	puts("  and find the portal by their probes alone");
	puts("  set hostname, certificate and certificate-key, see portald.conf(5)");
}

/* Hosts that are in the zones' walled gardens by themselves. */
static void print_revocation_hosts(const json_t *zones)
{
	const json_t *zone;
	size_t i, shown = 0;

	json_array_foreach (zones, i, zone) {
		const char *name = json_string_value(json_object_get(zone, "name")),
			   *hosts = json_string_value(json_object_get(zone, "revocation-hosts"));

		if (!name || !hosts || !*hosts)
			continue;
		CLEANUP(cleanup_free) char *clean = output_clean(hosts, 0);

		if (shown++ == 0)
			puts("\nopen to strangers, whose devices ask there whether the certificate was revoked:");
		printf("  %s: %s\n", name, clean);
	}
}

static void print_field(const char *name, const char *text)
{
	CLEANUP(cleanup_free) char *clean = output_clean(text, 0);

	printf("%-14s %s\n", name, clean);
}

static int print_processes(const json_t *processes)
{
	json_t *process;
	json_int_t pid;
	const char *name;
	char text[96];
	size_t i;

	json_array_foreach (processes, i, process) {
		if (json_unpack(process, "{s:s, s:I}", "name", &name, "pid", &pid) < 0)
			return -1;
		snprintf(text, sizeof(text), "%.64s (pid %lld)", name, (long long)pid);
		print_field(i == 0 ? "processes" : "", text);
	}
	return 0;
}

static void print_warnings(const json_t *warnings)
{
	json_t *warning;
	size_t i;

	json_array_foreach (warnings, i, warning) {
		CLEANUP(cleanup_free)
		char *clean =
			output_clean(json_is_string(warning) ? json_string_value(warning) : "?", 0);

		printf("%s", i == 0 ? "\n" : "");
		output_coloured(stdout, COLOUR_YELLOW, "warning: ");
		puts(clean);
	}
}

static int print_status(json_t *answer)
{
	const char *version, *config;
	json_t *zones, *processes, *warnings;
	char text[128], duration[DURATION_TEXT_MAX];
	json_int_t pid, uptime;

	if (json_unpack(answer, "{s:s, s:I, s:I, s:s, s:o, s:o, s:o}", "version", &version, "pid",
			&pid, "uptime", &uptime, "config", &config, "zones", &zones, "processes",
			&processes, "warnings", &warnings) < 0 ||
	    uptime < 0 || !json_is_array(zones) || !json_is_array(processes) ||
	    !json_is_array(warnings))
		return -1;
	snprintf(text, sizeof(text), "%.32s, up for %s (pid %lld)", version,
		 duration_format((uint64_t)uptime, duration), (long long)pid);
	print_field("portald", text);
	print_field("configuration", config);
	if (print_processes(processes) < 0 || print_zones(zones) < 0 || print_portals(zones) < 0)
		return -1;
	print_loss(zones);
	print_revocation_hosts(zones);
	print_warnings(warnings);
	return 0;
}

static enum status run_status(struct ctl *ctl)
{
	CLEANUP(cleanup_json) json_t *answer = NULL;
	enum status status = ctl_ask(ctl, json_pack("{s:s}", "verb", "status"), &answer);

	if (status != STATUS_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(answer);
	else if (print_status(answer) < 0)
		return ctl_nonsense("a status");
	return STATUS_DONE;
}

const struct command command_status = {
	.name = "status",
	.usage = "",
	.summary = "is the gateway well? zones, processes, warnings",
	.help = "Shows the gateway's version, processes, zones, and the host settings that need attention.\n"
		"A zone is \"ready\"; \"missing\": its interface is not there (it is closed until it comes);\n"
		"\"refused\": the interface has no MAC addresses; \"failed\": see the gateway's log.\n\n"
		"examples:\n"
		"  portalctl status\n"
		"  portalctl status --json | jq -e '.zones | all(.state == \"ready\")'\n",
	.run = run_status,
};
