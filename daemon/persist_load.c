/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start: what the store has comes into the table of sessions, where what the kernel has is already.  It
 * is done in steps, a few rows in each turn of the loop; nobody is let in, thrown out, or ended before the
 * last one is done.  The clocks are looked at once, in the beginning, and all rows count from there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/member.h"
#include "daemon/persist_private.h"
#include "daemon/trust.h"

enum { BURST = 1000 /* rows a turn: some milliseconds */, QUEUED_MAX_MS = 30000 };

struct loading {
	struct engine *engine;
	struct event *timer;
	bool read;		   /* the store is */
	persist_loaded_fn *loaded; /* NULL: the kernel's sessions are not in the table yet */
	struct store_contents contents;
	size_t step, at;
	struct sessions_walk walk;
	bool walking;
	size_t restored, ended, foreign, behind, unsure;
	bool odd; /* rows go by another clock than now */
};

static void take_used(struct session *s, const struct store_session *row)
{
	s->used = (struct counters){.packets_up = row->packets_up,
				    .packets_down = row->packets_down,
				    .bytes_up = row->bytes_up,
				    .bytes_down = row->bytes_down};
	s->kept = s->used;
}

static struct limits limits_of(const struct store_session *row)
{
	return (struct limits){.idle = row->idle_s,
			       .quota_up = row->quota_up,
			       .quota_down = row->quota_down,
			       .quota_total = row->quota_total,
			       .rate_up = row->rate_up,
			       .rate_down = row->rate_down};
}

static void take_row(struct session *s, const struct store_session *row)
{
	s->how = row->how;
	s->started = row->started_unix;
	s->length_ms = row->length_ms;
	s->limits = limits_of(row);
	snprintf(s->note, sizeof(s->note), "%s", row->note);
	take_used(s, row);
	s->in_store = true;
}

/* What the kernel was told may be newer than the row: the store may have missed it. */
static void take_rest_of_row(struct session *s, const struct store_session *row)
{
	const struct limits limits = limits_of(row);

	if (s->note_cut && strncmp(row->note, s->note, strlen(s->note)) == 0)
		snprintf(s->note, sizeof(s->note), "%s", row->note);
	take_used(s, row);
	s->in_store = true;
	s->stale = s->how != row->how || s->started != row->started_unix ||
		   s->length_ms != row->length_ms ||
		   memcmp(&s->limits, &limits, sizeof(limits)) != 0 ||
		   strcmp(s->note, row->note) != 0;
}

/*
 * What a session that the kernel has and the store has too is left with, in milliseconds.  The kernel
 * said it a moment ago, which must not add up over restarts; a kernel that has much more was told of a
 * change that the disk missed.
 */
static uint64_t left_of_both(uint64_t kernel_ms, uint64_t store_ms)
{
	const uint64_t most_ms =
		store_ms + 1000 - 2 * PERSIST_JITTER_MS; /* ends_unix is rounded down */

	return kernel_ms > most_ms && kernel_ms - most_ms < QUEUED_MAX_MS ? most_ms : kernel_ms;
}

/* How a session ends because its device is on a list. */
static const char *const list_events[STORE_LISTS] = {
	[STORE_TRUST] = "trust",
	[STORE_BLOCK] = "block",
};

/* Of a row that the kernel has nothing of: why it is over, or NULL. */
static const char *why_over(const struct loading *l, const struct store_session *row,
			    uint64_t *ret_ended_unix)
{
	const struct engine *e = l->engine;

	*ret_ended_unix = row->ends_unix;
	if (persist_row_left_ms(e->persist, row) == 0)
		return "expiry";
	*ret_ended_unix = e->persist->now.unix_s;
	for (size_t i = 0; i < STORE_LISTS; i++) {
		if (maclist_find(&e->lists[i], row->zone, &row->mac))
			return list_events[i];
	}
	return NULL;
}

static void take_known(struct loading *l, struct session *s, const struct store_session *row)
{
	struct engine *e = l->engine;
	const uint64_t now = now_boot_ms();

	if (s->told)
		take_rest_of_row(s, row);
	else
		take_row(s, row);
	if (e->persist->restarted)
		s->active_ms = persist_row_active_ms(e->persist, row);
	/* else the clock was set, and one of the two has heard of it: the kernel says by itself whether it has */
	if (e->persist->restarted && s->ends_ms > now && s->booted_ms == row->booted_ms)
		sessions_put(
			&e->sessions, s->key.zone, &row->mac,
			now + left_of_both(s->ends_ms - now, persist_row_left_ms(e->persist, row)));
}

static void take_session(struct loading *l, const struct store_session *row)
{
	struct engine *e = l->engine;
	const int zone = config_find_zone(e->config, row->zone);
	struct session *s =
		zone < 0 ? NULL : sessions_find(&e->sessions, (uint32_t)zone, &row->mac);
	uint64_t ended_unix;

	l->odd |= !e->persist->restarted &&
		  (row->booted_ms || persist_row_is_behind(e->persist, row) ||
		   persist_row_is_unsure(e->persist, row));
	if (zone < 0) { /* it may come back to the configuration */
		l->foreign++;
		return;
	}
	if (s) {
		take_known(l, s, row);
		return;
	}
	const char *why = why_over(l, row, &ended_unix);

	if (why) {
		struct store_session over = *row;

		over.left_ms = persist_row_left_ms(e->persist, row);
		l->ended++;
		store_end_session(e->persist->store, &over, ended_unix, why, NULL, NULL);
		return;
	}
	s = sessions_put(&e->sessions, (uint32_t)zone, &row->mac,
			 now_boot_ms() + persist_row_left_ms(e->persist, row));
	if (!s) {
		engine_fail(e, "out of memory");
		return;
	}
	take_row(s, row);
	s->booted_ms = persist_row_booted_ms(e->persist, row);
	l->behind += persist_row_is_behind(e->persist, row);
	l->unsure += persist_row_is_unsure(e->persist, row);
	s->round = ROUND_NEVER;
	l->restored++;
}

/* The steps: each does a part of its work, and returns true when there is no more. */

static bool take_entries(struct loading *l)
{
	const struct store_contents *c = &l->contents;
	struct engine *e = l->engine;

	for (int i = 0; i < BURST && l->at < c->entry_count; i++, l->at++) {
		const struct store_entry *entry = &c->entries[l->at];

		if (maclist_put(&e->lists[entry->list], entry) < 0)
			engine_fail(e, "out of memory");
	}
	return l->at == c->entry_count;
}

static bool take_sessions(struct loading *l)
{
	for (int i = 0; i < BURST && l->at < l->contents.session_count; i++)
		take_session(l, &l->contents.sessions[l->at++]);
	return l->at == l->contents.session_count;
}

/* A crash may have left sessions of blocked devices, and members without an end that nobody trusts. */
static bool look_at_lists(struct loading *l)
{
	struct engine *e = l->engine;
	struct mac macs[CHANGE_MAX];
	struct session *s = NULL;
	uint32_t zone = 0;
	size_t n = 0;

	if (!l->walking)
		sessions_walk_begin(&l->walk, &e->sessions, 0, ZONES_MAX);
	l->walking = true;
	for (int i = 0; i < CHANGE_MAX && (s = sessions_walk_next(&l->walk)); i++) {
		if (n > 0 && s->key.zone != zone) {
			sessions_walk_back(&l->walk, s);
			break;
		}
		if (trust_take_over(e, s))
			continue;
		zone = s->key.zone;
		macs[n++] = s->key.mac;
	}
	member_end_blocked(e, zone, macs, n);
	return !s;
}

static bool (*const steps[])(struct loading *l) = {take_entries, take_sessions, look_at_lists};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

static void tell(const struct loading *l)
{
	const struct persist *p = l->engine->persist;

	if (l->foreign)
		log_warning("store: %zu session(s) of zones that are not configured wait there",
			    l->foreign);
	if (l->restored || l->ended)
		log_warning("store: %zu session(s) restored after a %s, %zu ended meanwhile",
			    l->restored, p->restarted ? "restart" : "reboot", l->ended);
	if (l->behind)
		log_warning("the clock is behind; the time that portald was away is taken off the "
			    "sessions once it is set");
	else if (l->unsure)
		log_info(
			"nobody has synchronised the clock yet; if it turns out to be behind, that "
			"time is taken off the sessions");
}

static void filled(struct engine *e)
{
	struct persist *p = e->persist;
	persist_loaded_fn *loaded = p->loading->loaded;

	tell(p->loading);
	persist_load_destroy(e);
	p->loaded = true;
	loaded(e);
	persist_check_clock(e);
}

static void go_on(struct loading *l)
{
	static const struct timeval now;

	evtimer_add(l->timer, &now);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct loading *l = data;
	struct persist *p = l->engine->persist;

	(void)fd;
	(void)what;
	if (steps[l->step](l)) {
		l->step++;
		l->at = 0;
	}
	/* those that the store lacks or has otherwise; if the clock was or is still to be set, all */
	if (l->step == STEPS)
		persist_fill(l->engine, p->put_all || l->odd || persist_clock_was_set(p), filled);
	else
		go_on(l);
}

static void begin(struct loading *l)
{
	struct persist *p = l->engine->persist;

	if (!l->read || !l->loaded)
		return;
	p->last = l->contents.clock;
	store_clock_now(&p->now);
	p->loaded_ms = now_boot_ms();
	p->restarted = strcmp(p->last.boot_id, p->now.boot_id) == 0;
	p->loaded_unix_ms = now_unix_ms();
	store_begin_all(p->store); /* until persist_fill() is done: one clock record for all */
	go_on(l);
}

static void store_is_read(void *data, int error, struct store_contents *contents)
{
	struct engine *e = data;
	struct loading *l = e->persist->loading;

	if (error < 0) {
		engine_fail(e, "store: %s", strerror(-error));
		return;
	}
	l->contents = *contents;
	*contents = (struct store_contents){0};
	l->read = true;
	begin(l);
}

void persist_load(struct engine *e, persist_loaded_fn *loaded)
{
	e->persist->loading->loaded = loaded;
	begin(e->persist->loading);
}

int persist_load_create(struct engine *e)
{
	struct loading *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	e->persist->loading = l;
	l->engine = e;
	l->timer = evtimer_new(e->base, on_timer, l);
	return l->timer ? store_load(e->persist->store, store_is_read, e) : -ENOMEM;
}

void persist_load_destroy(struct engine *e)
{
	struct loading *l = e->persist->loading;

	if (!l)
		return;
	if (l->walking)
		sessions_walk_end(&l->walk);
	if (l->timer)
		event_free(l->timer);
	store_contents_finish(&l->contents);
	free(l);
	e->persist->loading = NULL;
}
