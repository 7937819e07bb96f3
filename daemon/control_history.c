/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history: the sessions that have ended, in portions; each leaves before the next one is read. */
#include <stdlib.h>
#include <string.h>

#include "daemon/control_server.h"
#include "daemon/persist.h"
#include "daemon/store.h"

struct history_job {
	uint64_t since, after; /* of the next portion */
	bool told;	       /* the last line has left */
};

static void history_next(struct client *c);

static void history_end(struct client *c)
{
	free(c->job);
	c->job = NULL;
	client_done(c);
}

static json_t *describe(const struct store_ended *row)
{
	const struct store_session *s = &row->session;
	char mac[MAC_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:I}", "zone", s->zone,
			 "mac", mac_format(&s->mac, mac), "how", session_how_name(s->how), "note",
			 s->note, "started", (json_int_t)s->started_unix, "seconds-used",
			 (json_int_t)(row->used_ms / 1000), "ended", (json_int_t)row->ended_unix,
			 "why", row->why, "extended", (json_int_t)row->extended, "bytes-up",
			 (json_int_t)s->bytes_up, "bytes-down", (json_int_t)s->bytes_down);
}

static void take_rows(void *data, int error, const struct store_ended *rows, size_t count)
{
	struct client *c = data;
	struct history_job *job = c->job;
	json_t *ended = json_array();

	if (error < 0) {
		client_error(c, "the history cannot be read: %s; see the log of portald",
			     strerror(-error));
		json_decref(ended);
		history_end(c);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!c->request.zone[0] || strcmp(rows[i].session.zone, c->request.zone) == 0)
			json_array_append_new(ended, describe(&rows[i]));
		job->since = rows[i].ended_unix;
		job->after = rows[i].id;
	}
	job->told = count < CONTROL_LIST_MAX;
	client_send(c, json_pack("{s:o, s:b}", "ended", ended, "more", !job->told));
	history_next(c);
}

static void history_next(struct client *c)
{
	struct history_job *job = c->job;

	c->drained = NULL;
	if (job->told || !c->io) {
		history_end(c);
		return;
	}
	if (client_has_output(c)) {
		c->drained = history_next;
		return;
	}
	if (store_history(persist_store(c->engine), job->since, job->after, CONTROL_LIST_MAX,
			  take_rows, c) < 0) {
		client_error(c, "out of memory");
		history_end(c);
	}
}

/* A zone that is not configured any more has a history too. */
void control_history(struct client *c)
{
	struct history_job *job = calloc(1, sizeof(*job));

	if (!job) {
		client_error(c, "out of memory");
		client_done(c);
		return;
	}
	job->since = c->request.since;
	c->job = job;
	history_next(c);
}
