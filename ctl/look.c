/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list and show: the sessions. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/duration.h"
#include "ctl/ctl.h"
#include "ctl/list_macs.h"
#include "ctl/output.h"
#include "ctl/session.h"

enum {
	NOTE_COLUMNS = 32,
	ADDRESS_COLUMNS = 48,
	ENDS_SOON = 300, /* seconds left, shown in yellow */
	TIME_TEXT_MAX = 32,
};

int session_view_parse(json_t *json, struct session_view *ret_view)
{
	struct session_view v = {0};
	json_t *addresses, *address;
	size_t i;

	if (json_unpack(json, "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "zone", &v.zone,
			"mac", &v.mac, "how", &v.how, "note", &v.note, "started", &v.started,
			"seconds-used", &v.used, "seconds-left", &v.left, "bytes-up", &v.up,
			"bytes-down", &v.down, "addresses", &addresses) < 0 ||
	    !json_is_array(addresses) || v.used < 0 || v.left < 0 || v.up < 0 || v.down < 0)
		return -EBADMSG;
	json_array_foreach (addresses, i, address) {
		if (!json_is_string(address))
			return -EBADMSG;
	}
	for (i = 0; i < SESSION_LIMITS; i++) {
		const json_t *limit = json_object_get(json, limit_fields[i].name);

		if (!limit)
			continue;
		if (!json_is_integer(limit) || json_integer_value(limit) < 0)
			return -EBADMSG;
		*limit_at(&v.limits, i) = (uint64_t)json_integer_value(limit);
	}
	v.addresses = addresses;
	*ret_view = v;
	return 0;
}

/* "10.0.0.5 +2" */
static void add_addresses(struct table *table, const json_t *addresses)
{
	char text[ADDR_TEXT_MAX + 16] = "";
	size_t count = json_array_size(addresses);

	if (count > 0)
		snprintf(text, sizeof(text), count > 1 ? "%.45s +%zu" : "%.45s",
			 json_string_value(json_array_get(addresses, 0)), count - 1);
	table_add(table, COLOUR_NONE, text);
}

static void add_session(struct table *table, const struct session_view *v)
{
	char duration[DURATION_TEXT_MAX], bytes[UNIT_TEXT_MAX];

	table_add(table, COLOUR_NONE, v->zone);
	table_add(table, COLOUR_NONE, v->mac);
	table_add(table, COLOUR_NONE, v->how);
	table_add(table, COLOUR_NONE, duration_format((uint64_t)v->used, duration));
	table_add(table, v->left < ENDS_SOON ? COLOUR_YELLOW : COLOUR_NONE,
		  duration_format((uint64_t)v->left, duration));
	table_add(table, COLOUR_NONE, output_bytes((uint64_t)v->up, bytes));
	table_add(table, COLOUR_NONE, output_bytes((uint64_t)v->down, bytes));
	add_addresses(table, v->addresses);
	table_add(table, COLOUR_NONE, v->note);
}

static enum status print_list(const json_t *sessions)
{
	static const struct column columns[] = {
		{"ZONE", false, 0},
		{"MAC", false, 0},
		{"BY", false, 0},
		{"USED", true, 0},
		{"LEFT", true, 0},
		{"SENT", true, 0},
		{"RECEIVED", true, 0},
		{"ADDRESS", false, ADDRESS_COLUMNS},
		{"NOTE", false, NOTE_COLUMNS},
	};
	struct table *table = table_create(columns, sizeof(columns) / sizeof(columns[0]));
	struct session_view v;
	json_t *session;
	size_t i;

	json_array_foreach (sessions, i, session) {
		if (session_view_parse(session, &v) < 0) {
			table_destroy(table);
			return ctl_nonsense("a session");
		}
		add_session(table, &v);
	}
	if (json_array_size(sessions) == 0)
		puts("no sessions");
	else
		table_print(table, stdout);
	table_destroy(table);
	return STATUS_DONE;
}

static enum status run_list(struct ctl *ctl)
{
	if ((ctl->given & OPTION_BLOCKED) && (ctl->given & OPTION_TRUSTED))
		return complain_usage(&command_list, "one of --blocked and --trusted, please");
	if (ctl->given & (OPTION_BLOCKED | OPTION_TRUSTED))
		return list_macs(ctl, ctl->given & OPTION_BLOCKED ? "blocked" : "trusted");

	CLEANUP(cleanup_json) json_t *all = json_pack("{s:[]}", "sessions");
	json_t *sessions = json_object_get(all, "sessions"), *answer;
	enum status status =
		ctl_ask(ctl, json_pack("{s:s, s:s*}", "verb", "list", "zone", ctl->zone), &answer);

	if (status == STATUS_DONE)
		status = ctl_collect(ctl, answer, "sessions", sessions);
	if (status == STATUS_DONE && !ctl->json)
		return print_list(sessions);
	if (status == STATUS_DONE)
		ctl_print_json(all);
	return status;
}

static void print_field(const char *name, const char *text)
{
	CLEANUP(cleanup_free) char *clean = output_clean(text, 0);

	printf("  %-11s %s\n", name, clean);
}

static void print_limit(const struct limits *limits, size_t i)
{
	const uint64_t value = limit_value(limits, i);
	char duration[DURATION_TEXT_MAX], text[UNIT_TEXT_MAX];

	if (value == 0)
		return;
	switch (limit_fields[i].unit) {
	case LIMIT_SECONDS:
		print_field(limit_fields[i].name, duration_format(value, duration));
		break;
	case LIMIT_BYTES:
		print_field(limit_fields[i].name, output_bytes(value, text));
		break;
	case LIMIT_BITS:
		print_field(limit_fields[i].name, output_rate(value, text));
		break;
	}
}

static void print_session(const struct session_view *v)
{
	CLEANUP(cleanup_free) char *mac = output_clean(v->mac, 0), *zone = output_clean(v->zone, 0);
	char text[128], when[TIME_TEXT_MAX] = "?", duration[DURATION_TEXT_MAX],
			bytes[UNIT_TEXT_MAX];
	const time_t started = (time_t)v->started;
	struct tm tm;

	output_coloured(stdout, COLOUR_BOLD, mac);
	printf(" in zone %s\n", zone);
	if (localtime_r(&started, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s, %s ago, by %.20s", when,
		 duration_format((uint64_t)v->used, duration), v->how);
	print_field("started", text);
	print_field("left", duration_format((uint64_t)v->left, duration));
	print_field("sent", output_bytes((uint64_t)v->up, bytes));
	print_field("received", output_bytes((uint64_t)v->down, bytes));
	for (size_t i = 0; i < SESSION_LIMITS; i++)
		print_limit(&v->limits, i);
	for (size_t i = 0; i < json_array_size(v->addresses); i++)
		print_field(i == 0 ? "addresses" : "",
			    json_string_value(json_array_get(v->addresses, i)));
	if (*v->note)
		print_field("note", v->note);
}

static enum status run_show(struct ctl *ctl)
{
	CLEANUP(cleanup_json) json_t *answer = NULL;
	json_t *sessions, *session;
	char text[MAC_TEXT_MAX];
	struct session_view v;
	struct mac mac;
	size_t i;

	if (mac_parse(ctl->args[0], &mac) < 0) {
		complain("\"%s\" is no device's MAC address; write it like 02:00:5e:10:00:01",
			 ctl->args[0]);
		return STATUS_REFUSED;
	}
	enum status status = ctl_ask(ctl,
				     json_pack("{s:s, s:s, s:s*}", "verb", "show", "mac",
					       mac_format(&mac, text), "zone", ctl->zone),
				     &answer);

	if (status != STATUS_DONE)
		return status;
	sessions = json_object_get(answer, "sessions");
	if (!json_is_array(sessions))
		return ctl_nonsense("no sessions");
	json_array_foreach (sessions, i, session) {
		if (session_view_parse(session, &v) < 0)
			return ctl_nonsense("a session");
		if (!ctl->json)
			print_session(&v);
	}
	if (ctl->json)
		ctl_print_json(answer);
	return STATUS_DONE;
}

const struct command command_list = {
	.name = "list",
	.usage = "[--zone ZONE] [--blocked|--trusted]",
	.summary = "the guests that are online",
	.help = "Lists the sessions: who is online, since when, for how long still, and how much went through.\n"
		"SENT is what the guest sent, RECEIVED what it got.\n\n"
		"  --zone ZONE   of this zone only\n"
		"  --blocked     the block list instead\n"
		"  --trusted     the trusted devices instead\n\n"
		"examples:\n"
		"  portalctl list\n"
		"  portalctl list --zone guest\n"
		"  portalctl list --json | jq -r '.sessions[] | select(.\"bytes-down\" > 1e9) | .mac'\n",
	.options = OPTION_ZONE | OPTION_BLOCKED | OPTION_TRUSTED,
	.run = run_list,
};

const struct command command_show = {
	.name = "show",
	.usage = "MAC [--zone ZONE]",
	.summary = "all about one guest",
	.help = "Shows a guest's session, in each zone where it has one, with its addresses and note.\n\n"
		"examples:\n"
		"  portalctl show 02:00:5e:10:00:01\n"
		"  portalctl show 02:00:5e:10:00:01 --json\n",
	.options = OPTION_ZONE,
	.args_min = 1,
	.args_max = 1,
	.run = run_show,
};
