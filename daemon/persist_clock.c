/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store's sessions have left when somebody sets the clock. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/persist_private.h"

/* A change takes the kernel some milliseconds; logins wait for no more than these. */
enum { WINDOW = 8 };

/* The clock says now how long we were away: it is taken off what the store had, a few sessions at a
 * time, and from what is left of each when its turn comes. */
struct take_off {
	struct engine *engine;
	uint64_t away_ms;
	size_t count, next, waiting;
	struct session_key keys[];
};

static void go_on(struct take_off *t);

static void changed(void *data, int error, size_t replaced)
{
	struct take_off *t = data;

	(void)error; /* logged */
	(void)replaced;
	t->waiting--;
	go_on(t);
}

/* 0: nothing to do, or it is under way. */
static int shorten(struct take_off *t, const struct session_key *key)
{
	const uint64_t now = now_boot_ms();
	struct session *s = sessions_find(&t->engine->sessions, key->zone, &key->mac);

	if (!s || !s->restored || s->ending || s->ends_ms <= now)
		return 0;
	const uint64_t left = s->ends_ms - now;
	const struct member_change to = {.by = actor_portald,
					 .event = "change",
					 .left_ms = left > t->away_ms ? left - t->away_ms : 1,
					 .limits = s->limits,
					 .note = s->note};
	int r = member_change(t->engine, s, &to, changed, t);

	s->restored = false;
	t->waiting += r == 0;
	return r;
}

static void go_on(struct take_off *t)
{
	while (t->waiting < WINDOW && t->next < t->count) {
		if (shorten(t, &t->keys[t->next++]) < 0)
			log_error("out of memory: a session lasts longer than it should");
	}
	if (t->waiting > 0)
		return;
	log_info("%zu session(s) are shortened", t->count);
	free(t);
}

static void take_off(struct engine *e, uint64_t away_ms)
{
	struct take_off *t =
		calloc(1, sizeof(*t) + HASH_COUNT(e->sessions.all) * sizeof(t->keys[0]));

	if (!t) {
		log_error("out of memory: sessions last longer than they should");
		return;
	}
	t->engine = e;
	t->away_ms = away_ms;
	for (const struct session *s = e->sessions.all; s; s = s->hh.next) {
		if (s->restored)
			t->keys[t->count++] = s->key;
	}
	go_on(t);
}

void persist_check_clock(struct engine *e)
{
	struct persist *p = e->persist;
	const uint64_t at_start_ms = now_unix_ms() - (now_boot_ms() - p->loaded_ms);
	const uint64_t last_ms = p->last.unix_s * 1000;

	if (!p->clock_behind || at_start_ms < last_ms)
		return;
	p->clock_behind = false;
	log_info("the clock is set; the time that passed while portald was away is taken off");
	take_off(e, at_start_ms - last_ms);
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

int persist_watch_clock(struct engine *e)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || arm_clock(fd) < 0)
		return -errno;
	e->persist->clock_set = event_new(e->base, fd, EV_READ | EV_PERSIST, on_clock_set, e);
	return e->persist->clock_set && event_add(e->persist->clock_set, NULL) == 0 ? 0 : -ENOMEM;
}
