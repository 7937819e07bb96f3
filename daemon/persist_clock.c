/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store's sessions have left when somebody sets the clock. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/persist_private.h"

static void changed(void *data, int error, size_t replaced)
{
	(void)data;
	(void)error; /* logged */
	(void)replaced;
}

/* The clock says now how long we were away: takes it off what the store had. */
static void take_off(struct engine *e, uint64_t away_ms)
{
	const uint64_t now = now_boot_ms();
	struct session *s, *next;

	HASH_ITER (hh, e->sessions.all, s, next) {
		if (!s->restored)
			continue;
		const uint64_t left = s->ends_ms > now ? s->ends_ms - now : 0;
		const struct member_change to = {.by = actor_portald,
						 .left_ms = left > away_ms ? left - away_ms : 1,
						 .limits = s->limits,
						 .note = s->note};

		s->restored = false;
		if (member_change(e, s, &to, changed, NULL) == -ENOMEM)
			log_error("out of memory: a session lasts longer than it should");
	}
}

void persist_check_clock(struct engine *e)
{
	struct persist *p = e->persist;
	const uint64_t at_start = now_unix() - (now_boot_ms() - p->now.boot_ms) / 1000;

	if (!p->clock_behind || at_start < p->last.unix_s)
		return;
	p->clock_behind = false;
	log_info("the clock is set; the time that passed while portald was away is taken off");
	take_off(e, (at_start - p->last.unix_s) * 1000);
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
