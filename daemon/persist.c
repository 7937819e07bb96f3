/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All rows have ends_unix by the same wall clock as the store's last clock record: when the clock is
 * set while we run, or was set while we did not, all are written again.  So what is left of a row at
 * the next start is known both after a restart (CLOCK_BOOTTIME went on) and after a reboot.
 *
 * ends_unix is rounded down, and the clocks are read to the millisecond: no session is longer for
 * being restored.  JITTER_MS keeps one that is written again and again from losing a second each time.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/persist_private.h"
#include "daemon/policy.h"
#include "daemon/restore.h"
#include "daemon/session_comment.h"
#include "daemon/trust.h"

enum { DRAIN_MS = 5000, JITTER_MS = 100, QUEUED_MAX_MS = 30000 };

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
	const uint64_t left_ms = s->ends_ms > now ? s->ends_ms - now : 0;

	*ret_row = (struct store_session){
		.mac = s->key.mac,
		.how = s->how,
		.started_unix = s->started,
		.ends_unix = (unix_ms + left_ms + JITTER_MS) / 1000,
		.left_ms = left_ms,
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
	char comment[COMMENT_MAX], detail[STORE_DETAIL_MAX];

	session_comment(comment, s->started, s->how, &s->limits, s->note);
	snprintf(detail, sizeof(detail), "%" PRIu64 "s left; %s", session_seconds_left(s), comment);
	int r = store_audit(e->persist->store, by->who, by->uid, event,
			    e->config->zones[s->key.zone].name, &s->key.mac, detail);

	if (r < 0)
		log_error("store: audit: %s", strerror(-r));
}

void persist_put_all(void *data)
{
	struct engine *e = data;

	store_begin_all(e->persist->store);
	for (const struct session *s = e->sessions.all; s; s = s->hh.next)
		persist_put(e, s, NULL, NULL);
	for (size_t i = 0; i < STORE_LISTS; i++) {
		for (const struct listed *l = e->lists[i].all; l; l = l->hh.next)
			store_put_entry(e->persist->store, &l->entry, NULL, NULL);
	}
	store_end_all(e->persist->store);
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

	return r < 0 ? r : persist_watch_clock(e);
}

void persist_close(struct engine *e)
{
	struct persist *p = e->persist;

	if (!p)
		return;
	if (p->store && p->loaded)
		store_drain(p->store, DRAIN_MS);
	if (p->store)
		store_close(p->store);
	if (p->clock_set) {
		close(event_get_fd(p->clock_set));
		event_free(p->clock_set);
	}
	free(p);
	e->persist = NULL;
}

/* Milliseconds that are left of a row now; 0: it has ended. */
static uint64_t left_of(const struct persist *p, const struct store_session *row)
{
	const uint64_t ends_ms = row->ends_unix * 1000;
	uint64_t at_ms = persist_last_ms(p); /* by the clock of the rows */

	if (p->restarted)
		at_ms = p->last.unix_s * 1000 + now_boot_ms() - p->last.boot_ms;
	else if (!p->clock_behind)
		at_ms = now_unix_ms();
	return ends_ms > at_ms ? ends_ms - at_ms : 0;
}

/* The clock was set since the last record, in the same boot. */
static bool was_set(const struct persist *p)
{
	const int64_t went_on = (int64_t)(p->now.boot_ms - p->last.boot_ms);
	const int64_t shows = ((int64_t)p->now.unix_s - (int64_t)p->last.unix_s) * 1000;

	return p->restarted && llabs(shows - went_on) >= 1000;
}

static void take_row(struct session *s, const struct store_session *row)
{
	s->how = row->how;
	s->started = row->started_unix;
	s->limits = (struct limits){.idle = row->idle_s,
				    .quota_up = row->quota_up,
				    .quota_down = row->quota_down,
				    .quota_total = row->quota_total,
				    .rate_up = row->rate_up,
				    .rate_down = row->rate_down};
	s->used = (struct counters){.packets_up = row->packets_up,
				    .packets_down = row->packets_down,
				    .bytes_up = row->bytes_up,
				    .bytes_down = row->bytes_down};
	s->kept = s->used;
	s->in_store = true;
	snprintf(s->note, sizeof(s->note), "%s", row->note);
}

/*
 * What a session that the kernel has and the store has too is left with, in milliseconds.  The kernel
 * said it a moment ago, which must not add up over restarts; a kernel that has much more was told of a
 * change that the disk missed.
 */
static uint64_t left_of_both(uint64_t kernel_ms, uint64_t store_ms)
{
	const uint64_t most_ms = store_ms + 1000 - 2 * JITTER_MS; /* ends_unix is rounded down */

	return kernel_ms > most_ms && kernel_ms - most_ms < QUEUED_MAX_MS ? most_ms : kernel_ms;
}

static int find_zone(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->zone_count; i++) {
		if (strcmp(c->zones[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* Kept until the clock record is known. */
static void collect(void *data, const struct store_session *row)
{
	struct persist *p = ((struct engine *)data)->persist;

	if (p->row_count == p->row_room) {
		const size_t room = p->row_room ? 2 * p->row_room : 256;
		struct store_session *larger = reallocarray(p->rows, room, sizeof(*larger));

		if (!larger) {
			p->out_of_memory = true;
			return;
		}
		p->rows = larger;
		p->row_room = room;
	}
	p->rows[p->row_count++] = *row;
}

static void collect_entry(void *data, const struct store_entry *entry)
{
	struct engine *e = data;

	if (maclist_put(&e->lists[entry->list], entry) < 0)
		e->persist->out_of_memory = true;
}

/* How a session ends because its device is on a list. */
static const char *const list_events[STORE_LISTS] = {
	[STORE_TRUST] = "trust",
	[STORE_BLOCK] = "block",
};

static void take_session(struct engine *e, const struct store_session *row)
{
	struct persist *p = e->persist;
	const int zone = find_zone(e->config, row->zone);
	struct session *s =
		zone < 0 ? NULL : sessions_find(&e->sessions, (uint32_t)zone, &row->mac);
	const uint64_t left_ms = left_of(p, row);

	if (zone < 0) { /* it may come back to the configuration */
		p->foreign++;
		return;
	}
	if (s) {
		const uint64_t now = now_boot_ms();

		take_row(s, row);
		if (p->restarted && s->ends_ms > now)
			sessions_put(&e->sessions, (uint32_t)zone, &row->mac,
				     now + left_of_both(s->ends_ms - now, left_ms));
		return;
	}
	if (left_ms == 0) {
		p->ended++;
		store_end_session(p->store, row, row->ends_unix, "expiry", NULL, NULL);
		return;
	}
	for (size_t i = 0; i < STORE_LISTS; i++) {
		if (!maclist_find(&e->lists[i], row->zone, &row->mac))
			continue;
		p->ended++;
		store_end_session(p->store, row, p->now.unix_s, list_events[i], NULL, NULL);
		return;
	}
	s = sessions_put(&e->sessions, (uint32_t)zone, &row->mac, now_boot_ms() + left_ms);
	if (!s) {
		engine_fail(e, "out of memory");
		return;
	}
	take_row(s, row);
	s->restored = true;
	s->round = ROUND_NEVER;
	p->restored++;
}

/* The sessions that the store lacks are put; when the clock was set, or is still to be set, all. */
static void finish_load(struct engine *e)
{
	struct persist *p = e->persist;
	const bool all = p->clock_behind || was_set(p);

	store_begin_all(p->store);
	for (struct session *s = e->sessions.all; s; s = s->hh.next) {
		if (!s->in_store || all)
			persist_put(e, s, NULL, NULL);
	}
	store_end_all(p->store);
	if (p->foreign)
		log_warning("store: %zu session(s) of zones that are not configured wait there",
			    p->foreign);
	if (p->restored || p->ended)
		log_warning("store: %zu session(s) restored after a %s, %zu ended meanwhile",
			    p->restored, p->restarted ? "restart" : "reboot", p->ended);
	if (p->clock_behind && p->restored)
		log_warning("the clock is behind; the time that portald was away is taken off the "
			    "sessions once it is set");
}

int persist_load(struct engine *e)
{
	struct persist *p = e->persist;
	const struct store_loader loader = {.session = collect, .entry = collect_entry, .data = e};
	int r = store_load(p->store, &loader, &p->last);

	if (r >= 0 && p->out_of_memory)
		r = -ENOMEM;
	if (r < 0) {
		engine_fail(e, "store: %s", strerror(-r));
		return r;
	}
	p->loaded = true;
	store_clock_now(&p->now);
	p->loaded_ms = now_boot_ms();
	p->restarted = strcmp(p->last.boot_id, p->now.boot_id) == 0;
	p->clock_behind = !p->restarted && p->now.unix_s < p->last.unix_s;
	for (size_t i = 0; i < p->row_count; i++)
		take_session(e, &p->rows[i]);
	free(p->rows);
	p->rows = NULL;
	trust_take_over(e);
	finish_load(e);
	return 0;
}
