/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "daemon/lag.h"

enum { INTERVAL_MS = 100 };

static void wait_again(struct lag *lag)
{
	const struct timeval wait = {.tv_usec = INTERVAL_MS * 1000};

	lag->due_us = now_us() + INTERVAL_MS * 1000;
	evtimer_add(lag->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct lag *lag = data;
	const uint64_t now = now_us();

	(void)fd;
	(void)what;
	histogram_add(&lag->seconds, now > lag->due_us ? now - lag->due_us : 0);
	wait_again(lag);
}

int lag_begin(struct lag *lag, struct event_base *base)
{
	lag->timer = evtimer_new(base, on_timer, lag);
	if (!lag->timer)
		return -ENOMEM;
	wait_again(lag);
	return 0;
}

void lag_end(struct lag *lag)
{
	if (lag->timer)
		event_free(lag->timer);
	lag->timer = NULL;
}
