/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store's sessions have left when somebody sets the clock. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/persist_private.h"
#include "daemon/restore.h"

static void taken_off(struct engine *e)
{
	(void)e;
	log_info("the sessions are shortened");
}

static void cut_off(void *data, int error, size_t count)
{
	(void)count;
	if (error < 0)
		engine_fail(data, "sessions that have ended cannot be cut off: %s",
			    strerror(-error));
}

/* Those of a zone that ended while we were away. */
static int end_sessions(struct engine *e, uint32_t zone, int64_t away_ms)
{
	CLEANUP(cleanup_free) struct mac *macs = calloc(CHANGE_MAX, sizeof(*macs));
	const int64_t until = (int64_t)now_boot_ms() + away_ms;
	struct session *s;
	size_t n = 0;
	int r = macs ? 0 : -ENOMEM;

	for (s = TAILQ_FIRST(&e->sessions.lists[zone]); s && r == 0; s = TAILQ_NEXT(s, of_zone)) {
		if (s->restored && (int64_t)s->ends_ms <= until) {
			s->restored = false;
			macs[n++] = s->key.mac;
		}
		if (n == CHANGE_MAX || (n > 0 && !TAILQ_NEXT(s, of_zone))) {
			r = member_revoke(e, zone, macs, n, &actor_portald, "expiry", cut_off, e);
			n = 0;
		}
	}
	return r;
}

/* The clock says now how long we were away: it is taken off what the store had, here at once, and in
 * the kernel as if those sessions were not there yet, which replaces their ends.  Negative, up to a second: so
 * much was taken off too much, because the last record tells whole seconds. */
static void take_off(struct engine *e, int64_t away_ms)
{
	int r = 0;

	log_info("the clock is set; the time that passed while portald was away is taken off");
	for (uint32_t zone = 0; zone < e->config->zone_count && r == 0; zone++)
		r = end_sessions(e, zone, away_ms);
	if (r < 0) {
		cut_off(e, r, 0);
		return;
	}
	for (struct session *s = e->sessions.all; s; s = s->hh.next) {
		if (!s->restored)
			continue;
		s->restored = false;
		s->round = ROUND_NEVER;
		s->too_long = true;
		const int64_t ends_ms = (int64_t)s->ends_ms - away_ms;

		sessions_put(&e->sessions, s->key.zone, &s->key.mac,
			     ends_ms > 0 ? (uint64_t)ends_ms : 0);
	}
	restore_members(e, taken_off);
}

uint64_t persist_last_ms(const struct persist *p)
{
	return (p->last.unix_s + 1) * 1000;
}

void persist_check_clock(struct engine *e)
{
	struct persist *p = e->persist;
	const uint64_t at_start_ms = now_unix_ms() - (now_boot_ms() - p->loaded_ms);
	const uint64_t last_ms = persist_last_ms(p);

	if (!p->clock_behind || at_start_ms < p->last.unix_s * 1000)
		return;
	p->clock_behind = false;
	take_off(e, (int64_t)(at_start_ms - last_ms));
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
