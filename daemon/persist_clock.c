/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the store's sessions have left when somebody sets the clock that was behind, or may have been.
 *
 * Each session remembers by itself that the time away is to be taken off it (session.h, booted_ms), in the
 * table, in the store and in the kernel, so each is shortened once, whenever portald ends; one that was sold
 * anew meanwhile remembers nothing.  The first clock that can be right counts for all: who sets it once more
 * sets the clock, and no time passes by that.  Once a clock that nobody has set is synchronised, it was right.
 *
 * A session that the gate was asked to grant or to change is left out, and settled when the gate has
 * answered: the revoke of an old one would overtake the new one.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/persist_private.h"
#include "daemon/restore.h"

enum {
	BURST = 500, /* sessions a turn: some milliseconds */
	WINDOW = 16, /* revokes on their way; see control_revoke.c */
	UNKNOWN = 1, /* waits_ms before anybody has looked */
};

struct settling {
	struct engine *engine;
	struct event *clock_set, *timer;
	struct sessions_walk walk;
	bool walking;
	bool kept; /* this walk is because of a clock that was right already */
	/* CLOCK_REALTIME when CLOCK_BOOTTIME was 0, by the first clock that can be right */
	int64_t booted_ms;
	/* the first booted_ms of the sessions for which the clock is still behind; 0: there are none */
	uint64_t waits_ms;
	size_t found;
	/* those of this turn that ended while we were away, of one zone */
	uint32_t zone;
	struct mac over[CHANGE_MAX];
	size_t over_count, under_way; /* under_way: revokes */
};

static int64_t booted_by_clock(void)
{
	return (int64_t)now_unix_ms() - (int64_t)now_boot_ms();
}

static bool can_be(int64_t booted_ms, uint64_t earliest_ms)
{
	return booted_ms + PERSIST_RECORD_MS >= (int64_t)earliest_ms;
}

/* How long we were away.  Negative, up to a second: so much was taken off too much, because a record tells
 * whole seconds.  0 also if the clock is right, and its time cannot be.  False: nobody knows yet. */
static bool find_away(const struct settling *t, const struct session *s, int64_t *ret_away_ms)
{
	const int64_t booted_ms =
		can_be(t->booted_ms, s->booted_ms) ? t->booted_ms : booted_by_clock();
	const bool set = can_be(booted_ms, s->booted_ms);

	*ret_away_ms = set ? booted_ms - (int64_t)s->booted_ms : 0;
	return set || clock_is_synchronised();
}

/* In the table and the store.  To the kernel it is one that is not there yet: that replaces its end. */
static void take_off(struct engine *e, struct session *s, int64_t away_ms)
{
	const int64_t ends_ms = (int64_t)s->ends_ms - away_ms;

	s->booted_ms = 0;
	s->round = ROUND_NEVER;
	s->too_long = true;
	sessions_put(&e->sessions, s->key.zone, &s->key.mac, ends_ms > 0 ? (uint64_t)ends_ms : 0);
	persist_put(e, s, NULL, NULL);
}

static bool can_settle(const struct session *s)
{
	return s->booted_ms && s->asked == 0 && !s->ending;
}

void persist_settle(struct engine *e, struct session *s)
{
	int64_t away_ms;

	if (!can_settle(s) || !find_away(e->persist->settling, s, &away_ms))
		return;
	take_off(e, s, away_ms);
	if (restore_first(e, s->key.zone, &s->key.mac, 1) < 0)
		engine_fail(e, "out of memory");
}

static void go_on(struct settling *t)
{
	static const struct timeval now;

	evtimer_add(t->timer, &now);
}

static void cut_off(void *data, int error, size_t count)
{
	struct settling *t = data;

	(void)count;
	t->under_way--;
	if (error < 0)
		engine_fail(t->engine, "sessions that have ended cannot be cut off: %s",
			    strerror(-error));
	else if (t->walking)
		go_on(t);
}

/* At the end of a turn at the latest: until then none of them is sold anew. */
static void cut_off_those(struct settling *t)
{
	if (t->over_count == 0)
		return;
	t->under_way++;
	int r = member_revoke(t->engine, t->zone, t->over, t->over_count, &actor_portald, "expiry",
			      cut_off, t);

	t->over_count = 0;
	if (r < 0)
		cut_off(t, r, 0);
}

static void add_over(struct settling *t, const struct session *s)
{
	if (t->over_count == CHANGE_MAX || (t->over_count > 0 && t->zone != s->key.zone))
		cut_off_those(t);
	t->zone = s->key.zone;
	t->over[t->over_count++] = s->key.mac;
}

static void look_at(struct settling *t, struct session *s)
{
	int64_t away_ms;

	if (!can_settle(s))
		return;
	if (!find_away(t, s, &away_ms)) {
		if (!t->waits_ms || s->booted_ms < t->waits_ms)
			t->waits_ms = s->booted_ms;
		return;
	}
	if (t->found++ == 0)
		log_info(
			t->kept ? "the clock is synchronised, and was right"
				: "the clock is set; the time that passed while portald was away is taken off");
	if ((int64_t)s->ends_ms - away_ms <= (int64_t)now_boot_ms())
		add_over(t, s);
	else
		take_off(t->engine, s, away_ms);
}

static void taken_off(struct engine *e)
{
	(void)e;
	log_info("the sessions are shortened");
}

static void kept(struct engine *e)
{
	(void)e;
	log_info("the sessions keep what they have");
}

static void finish(struct settling *t)
{
	sessions_walk_end(&t->walk);
	t->walking = false;
	if (t->found > 0)
		restore_members(t->engine, t->kept ? kept : taken_off);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct settling *t = data;
	struct session *s = NULL;

	(void)fd;
	(void)what;
	if (t->under_way >= WINDOW)
		return;
	for (int i = 0; i < BURST && (s = sessions_walk_next(&t->walk)); i++)
		look_at(t, s);
	cut_off_those(t);
	if (s)
		go_on(t);
	else
		finish(t);
}

void persist_check_clock(struct engine *e)
{
	struct settling *t = e->persist->settling;
	const int64_t booted_ms = booted_by_clock();

	if (!e->persist->loaded || t->walking || !t->waits_ms)
		return;
	t->kept = !can_be(booted_ms, t->waits_ms);
	if (t->kept && !clock_is_synchronised())
		return;
	t->booted_ms = booted_ms;
	t->waits_ms = 0;
	t->found = 0;
	t->walking = true;
	sessions_walk_begin(&t->walk, &e->sessions, 0, ZONES_MAX);
	go_on(t);
}

static int arm_clock(int fd)
{
	const struct itimerspec never = {.it_value = {.tv_sec = INT_MAX}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

/* Somebody set the clock (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). */
static void on_clock_set(evutil_socket_t fd, short what, void *data)
{
	struct engine *e = data;
	uint64_t ignored;

	(void)what;
	while (read(fd, &ignored, sizeof(ignored)) == sizeof(ignored))
		;
	arm_clock(fd);
	persist_check_clock(e);
	persist_put_all(e);
}

int persist_clock_create(struct engine *e)
{
	struct settling *t = calloc(1, sizeof(*t));
	int fd = t ? timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC) : -1;

	e->persist->settling = t;
	if (!t)
		return -ENOMEM;
	t->engine = e;
	t->waits_ms = UNKNOWN;
	if (fd < 0 || arm_clock(fd) < 0)
		return -errno;
	t->timer = evtimer_new(e->base, on_timer, t);
	t->clock_set = event_new(e->base, fd, EV_READ | EV_PERSIST, on_clock_set, e);
	return t->timer && t->clock_set && event_add(t->clock_set, NULL) == 0 ? 0 : -ENOMEM;
}

void persist_clock_destroy(struct engine *e)
{
	struct settling *t = e->persist->settling;

	if (!t)
		return;
	if (t->walking)
		sessions_walk_end(&t->walk);
	if (t->timer)
		event_free(t->timer);
	if (t->clock_set) {
		close(event_get_fd(t->clock_set));
		event_free(t->clock_set);
	}
	free(t);
	e->persist->settling = NULL;
}
