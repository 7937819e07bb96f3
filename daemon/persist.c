/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All rows have ends_unix by the same wall clock as the store's last clock record: when the clock is
 * set while we run, or was set while we did not, all are written again.  So what is left of a row at
 * the next start is known both after a restart (CLOCK_BOOTTIME went on) and after a reboot.
 *
 * ends_unix is rounded down, and the clocks are read to the millisecond: no session is longer for
 * being restored.  PERSIST_JITTER_MS keeps one that is written again and again from losing a second each time.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/persist_private.h"

enum { DRAIN_MS = 5000 };

static void health(void *data, bool ok, const char *why)
{
	struct persist *p = ((struct engine *)data)->persist;

	p->failing = !ok;
	snprintf(p->trouble, sizeof(p->trouble), "the store cannot be written: %s", why);
}

const char *persist_trouble(const struct engine *e)
{
	return e->persist && e->persist->failing ? e->persist->trouble : NULL;
}

struct store *persist_store(const struct engine *e)
{
	return e->persist->store;
}

static void describe(const struct engine *e, const struct session *s, struct store_session *ret_row)
{
	const uint64_t now = now_boot_ms(), unix_ms = now_unix_ms();
	const uint64_t left_ms = session_left_ms(s);

	*ret_row = (struct store_session){
		.mac = s->key.mac,
		.how = s->how,
		.started_unix = s->started,
		.ends_unix = (unix_ms + left_ms + PERSIST_JITTER_MS) / 1000,
		.left_ms = left_ms,
		.booted_ms = s->booted_ms,
		.length_ms = s->length_ms,
		.idle_s = s->limits.idle,
		.quota_up = s->limits.quota_up,
		.quota_down = s->limits.quota_down,
		.quota_total = s->limits.quota_total,
		.rate_up = s->limits.rate_up,
		.rate_down = s->limits.rate_down,
		.packets_up = s->used.packets_up,
		.packets_down = s->used.packets_down,
		.bytes_up = s->used.bytes_up,
		.bytes_down = s->used.bytes_down,
		.last_active_unix = unix_ms / 1000 - (now - s->active_ms) / 1000,
	};
	snprintf(ret_row->zone, sizeof(ret_row->zone), "%s", e->config->zones[s->key.zone].name);
	snprintf(ret_row->note, sizeof(ret_row->note), "%s", s->note);
}

struct waiting {
	persist_done_fn *done;
	void *data;
};

/* A store that fails is loud by itself, and keeps what it was given. */
static void stored(void *data, int error)
{
	CLEANUP(cleanup_free) struct waiting *w = data;

	(void)error;
	w->done(w->data);
}

static struct waiting *waiting_new(persist_done_fn *done, void *data)
{
	struct waiting *w = done ? malloc(sizeof(*w)) : NULL;

	if (w)
		*w = (struct waiting){done, data};
	return w;
}

void persist_put(struct engine *e, const struct session *s, persist_done_fn *done, void *data)
{
	struct waiting *w = waiting_new(done, data);
	struct store_session row;

	describe(e, s, &row);
	int r = done && !w ? -ENOMEM
			   : store_put_session(e->persist->store, &row, w ? stored : NULL, w);

	if (r == 0)
		return;
	log_error("store: a session is not kept: %s", strerror(-r));
	free(w);
	if (done)
		done(data);
}

void persist_end(struct engine *e, const struct session *s, const char *why, persist_done_fn *done,
		 void *data)
{
	struct waiting *w = waiting_new(done, data);
	struct store_session row;

	describe(e, s, &row);
	int r = done && !w ? -ENOMEM
			   : store_end_session(e->persist->store, &row, now_unix(), why,
					       w ? stored : NULL, w);

	if (r == 0)
		return;
	log_error("store: the end of a session is not kept: %s", strerror(-r));
	free(w);
	if (done)
		done(data);
}

void persist_usage(struct engine *e, uint32_t zone, const struct mac *macs, size_t count)
{
	CLEANUP(cleanup_free) struct store_session *rows = calloc(count + 1, sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; i < count && rows; i++) {
		struct session *s = sessions_find(&e->sessions, zone, &macs[i]);

		if (!s || memcmp(&s->used, &s->kept, sizeof(s->used)) == 0)
			continue;
		s->kept = s->used;
		describe(e, s, &rows[n++]);
	}
	int r = !rows ? -ENOMEM : n > 0 ? store_usage(e->persist->store, rows, n) : 0;

	if (r < 0)
		log_error("store: usage is not kept: %s", strerror(-r));
}

void persist_audit(struct engine *e, const struct actor *by, const char *event,
		   const struct session *s)
{
	char detail[STORE_DETAIL_MAX]; /* more than the limits need */
	size_t at = (size_t)snprintf(detail, sizeof(detail), "%" PRIu64 "s left; %" PRIu64 " %s",
				     session_seconds_left(s), s->started, session_how_name(s->how));

	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		if (limit_value(&s->limits, i))
			at += (size_t)snprintf(detail + at, sizeof(detail) - at, " %s=%" PRIu64,
					       limit_fields[i].name, limit_value(&s->limits, i));
	}
	if (*s->note) {
		at += (size_t)snprintf(detail + at, sizeof(detail) - at, " ; ");
		text_copy(detail + at, sizeof(detail) - at, s->note);
	}
	int r = store_audit(e->persist->store, by->who, by->uid, event,
			    e->config->zones[s->key.zone].name, &s->key.mac, detail);

	if (r < 0)
		log_error("store: audit: %s", strerror(-r));
}

int persist_open(struct engine *e)
{
	struct persist *p = calloc(1, sizeof(*p));
	char path[PATH_MAX];

	if (!p)
		return -ENOMEM;
	e->persist = p;
	snprintf(path, sizeof(path), "%s/portald.db", e->config->state_dir);
	const struct store_config config = {.path = path,
					    .base = e->base,
					    .flush_ms = e->config->accounting * 1000,
					    .health = health,
					    .resync = persist_put_all,
					    .data = e};
	int r = store_open(&config, &p->store);

	if (r == 0)
		r = persist_clock_create(e);
	if (r == 0)
		r = persist_fill_create(e);
	return r < 0 ? r : persist_load_create(e);
}

void persist_close(struct engine *e)
{
	struct persist *p = e->persist;

	if (!p)
		return;
	if (p->loaded) {
		persist_fill_now(e);
		store_drain(p->store, DRAIN_MS);
	}
	persist_load_destroy(e);
	persist_fill_destroy(e);
	if (p->store)
		store_close(p->store);
	persist_clock_destroy(e);
	free(p);
	e->persist = NULL;
}
