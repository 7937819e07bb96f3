/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "common/cleanup.h"
#include "ctl/list_macs.h"
#include "ctl/output.h"

enum { NOTE_COLUMNS = 48, TIME_TEXT_MAX = 32 };

static bool add_row(struct table *table, json_t *row)
{
	char when[TIME_TEXT_MAX] = "?";
	const char *zone, *mac, *note;
	json_int_t added;
	struct tm tm;

	if (json_unpack(row, "{s:s, s:s, s:s, s:I}", "zone", &zone, "mac", &mac, "note", &note,
			"added", &added) < 0)
		return false;
	if (localtime_r(&(time_t){(time_t)added}, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	table_add(table, COLOUR_NONE, *zone ? zone : "all");
	table_add(table, COLOUR_NONE, mac);
	table_add(table, COLOUR_NONE, when);
	table_add(table, COLOUR_NONE, note);
	return true;
}

static enum status print_macs(const char *name, const json_t *listed)
{
	static const struct column columns[] = {
		{"ZONE", false, 0},
		{"MAC", false, 0},
		{"SINCE", false, 0},
		{"NOTE", false, NOTE_COLUMNS},
	};
	struct table *table = table_create(columns, sizeof(columns) / sizeof(columns[0]));
	enum status status = STATUS_DONE;
	json_t *row;
	size_t i;

	json_array_foreach (listed, i, row) {
		if (!add_row(table, row)) {
			status = ctl_nonsense("an entry of the list");
			break;
		}
	}
	if (status == STATUS_DONE && json_array_size(listed) == 0)
		printf("no device is %s\n", name);
	else if (status == STATUS_DONE)
		table_print(table, stdout);
	table_destroy(table);
	return status;
}

enum status list_macs(struct ctl *ctl, const char *name)
{
	CLEANUP(cleanup_json) json_t *all = json_pack("{s:[]}", name);
	json_t *listed = json_object_get(all, name), *answer;
	enum status status =
		ctl_ask(ctl, json_pack("{s:s, s:s*}", "verb", name, "zone", ctl->zone), &answer);

	if (status == STATUS_DONE)
		status = ctl_collect(ctl, answer, name, listed);
	if (status == STATUS_DONE && !ctl->json)
		return print_macs(name, listed);
	if (status == STATUS_DONE)
		ctl_print_json(all);
	return status;
}
