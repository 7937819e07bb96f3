/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history: the sessions that have ended. */
#include <time.h>

#include "common/cleanup.h"
#include "common/duration.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

enum { NOTE_COLUMNS = 32, TIME_TEXT_MAX = 32, DAY = 86400 };

static bool add_row(struct table *table, json_t *row)
{
	char when[TIME_TEXT_MAX] = "?", duration[DURATION_TEXT_MAX], bytes[UNIT_TEXT_MAX];
	char times[UNIT_TEXT_MAX] = "";
	json_int_t ended, used, extended, up, down;
	const char *zone, *mac, *how, *why, *note;
	struct tm tm;

	if (json_unpack(row, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "zone", &zone,
			"mac", &mac, "how", &how, "why", &why, "note", &note, "seconds-used", &used,
			"ended", &ended, "extended", &extended, "bytes-up", &up, "bytes-down",
			&down) < 0 ||
	    extended < 0 || used < 0 || up < 0 || down < 0)
		return false;
	if (extended > 0)
		snprintf(times, sizeof(times), "%lldx", (long long)extended);
	if (localtime_r(&(time_t){(time_t)ended}, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	table_add(table, COLOUR_NONE, when);
	table_add(table, COLOUR_NONE, zone);
	table_add(table, COLOUR_NONE, mac);
	table_add(table, COLOUR_NONE, how);
	table_add(table, COLOUR_NONE, why);
	table_add(table, COLOUR_NONE, duration_format((uint64_t)used, duration));
	table_add(table, COLOUR_NONE, times);
	table_add(table, COLOUR_NONE, output_bytes((uint64_t)up, bytes));
	table_add(table, COLOUR_NONE, output_bytes((uint64_t)down, bytes));
	table_add(table, COLOUR_NONE, note);
	return true;
}

static enum status print_history(const json_t *ended)
{
	static const struct column columns[] = {
		{"ENDED", false, 0},   {"ZONE", false, 0},
		{"MAC", false, 0},     {"BY", false, 0},
		{"WHY", false, 0},     {"LASTED", true, 0},
		{"EXTENDED", true, 0}, {"SENT", true, 0},
		{"RECEIVED", true, 0}, {"NOTE", false, NOTE_COLUMNS},
	};
	struct table *table = table_create(columns, sizeof(columns) / sizeof(columns[0]));
	enum status status = STATUS_DONE;
	json_t *row;
	size_t i;

	json_array_foreach (ended, i, row) {
		if (!add_row(table, row)) {
			status = ctl_nonsense("a session");
			break;
		}
	}
	if (status == STATUS_DONE && json_array_size(ended) == 0)
		puts("no session has ended");
	else if (status == STATUS_DONE)
		table_print(table, stdout);
	table_destroy(table);
	return status;
}

static enum status run_history(struct ctl *ctl)
{
	CLEANUP(cleanup_json) json_t *all = json_pack("{s:[]}", "ended");
	json_t *ended = json_object_get(all, "ended"), *answer;
	const uint64_t back = ctl->given & OPTION_SINCE ? ctl->since : DAY;
	const uint64_t now = (uint64_t)time(NULL);
	enum status status =
		ctl_ask(ctl,
			json_pack("{s:s, s:I, s:s*}", "verb", "history", "since",
				  (json_int_t)(now > back ? now - back : 0), "zone", ctl->zone),
			&answer);

	if (status == STATUS_DONE)
		status = ctl_collect(ctl, answer, "ended", ended);
	if (status == STATUS_DONE && !ctl->json)
		return print_history(ended);
	if (status == STATUS_DONE)
		ctl_print_json(all);
	return status;
}

const struct command command_history = {
	.name = "history",
	.usage = "[--since TIME] [--zone ZONE]",
	.summary = "the sessions that have ended",
	.help = "Lists sessions that have ended, the oldest first: when, why, how long they lasted, how often their\n"
		"guests extended them, and what went through.\n\n"
		"  --since TIME  so far back: 12h, 30d; by default a day\n"
		"  --zone ZONE   of this zone only\n\n"
		"examples:\n"
		"  portalctl history --since 7d\n"
		"  portalctl history --since 30d --json | jq '[.ended[].\"bytes-down\"] | add'\n",
	.options = OPTION_ZONE | OPTION_SINCE,
	.run = run_history,
};
