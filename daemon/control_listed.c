/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blocked, trusted: a list, as it was when it was asked for, in portions; each leaves before the next
 * one is made. */
#include <stdlib.h>
#include <string.h>

#include "common/control.h"
#include "daemon/control_server.h"

struct listed_job {
	size_t count, at;
	bool told;
	const char *name;
	struct store_entry *entries;
};

static int by_zone(const void *a, const void *b)
{
	const struct store_entry *x = a, *y = b;
	const int order = strcmp(x->zone, y->zone);

	return order ? order : memcmp(&x->mac, &y->mac, sizeof(x->mac));
}

static json_t *describe(const struct store_entry *entry)
{
	char mac[MAC_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:I}", "zone", entry->zone, "mac",
			 mac_format(&entry->mac, mac), "note", entry->note, "added",
			 (json_int_t)entry->added_unix);
}

static void listed_next(struct client *c)
{
	struct listed_job *job = c->job;

	c->drained = NULL;
	while (!job->told && c->io) {
		if (client_has_output(c)) {
			c->drained = listed_next;
			return;
		}
		json_t *portion = json_array();

		for (size_t i = 0; i < CONTROL_LIST_MAX && job->at < job->count; i++)
			json_array_append_new(portion, describe(&job->entries[job->at++]));
		job->told = job->at == job->count;
		client_send(c, json_pack("{s:o, s:b}", job->name, portion, "more", !job->told));
	}
	free(job->entries);
	free(job);
	c->job = NULL;
	client_done(c);
}

/* With a zone: what is listed there, by entries for all zones too. */
void control_listed(struct client *c)
{
	const bool blocked = c->request.verb == CONTROL_BLOCKED;
	const struct maclist *list = &c->engine->lists[blocked ? STORE_BLOCK : STORE_TRUST];
	const char *zone = c->request.zone;
	uint32_t first, end;

	if (!control_find_zones(c, &first, &end)) {
		client_done(c);
		return;
	}
	struct listed_job *job = calloc(1, sizeof(*job));
	struct store_entry *entries = calloc(HASH_COUNT(list->all) + 1, sizeof(*entries));

	if (!job || !entries) {
		free(job);
		free(entries);
		client_error(c, "out of memory");
		client_done(c);
		return;
	}
	job->entries = entries;
	job->name = blocked ? "blocked" : "trusted";
	for (const struct listed *l = list->all; l; l = l->hh.next) {
		if (!zone[0] || !l->entry.zone[0] || strcmp(l->entry.zone, zone) == 0)
			entries[job->count++] = l->entry;
	}
	qsort(entries, job->count, sizeof(*entries), by_zone);
	c->job = job;
	listed_next(c);
}
