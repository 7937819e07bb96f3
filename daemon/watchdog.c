/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/notify.h"
#include "daemon/watchdog.h"

enum { TIMES = 3 }; /* in each interval, so that one that is late is no reason to be ended */

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	(void)data;
	notify("WATCHDOG=1");
}

/* Microseconds; 0: nobody asks, or another process is meant. */
static uint64_t interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoul(pid, NULL, 10) != (unsigned long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10);
}

int watchdog_begin(struct event_base *base, struct event **ret_timer)
{
	const uint64_t us = interval() / TIMES;
	const struct timeval every = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

	if (us == 0)
		return 0;
	*ret_timer = event_new(base, -1, EV_PERSIST, on_timer, NULL);
	if (!*ret_timer)
		return -ENOMEM;
	return event_add(*ret_timer, &every) < 0 ? -ENOMEM : 0;
}

void watchdog_end(struct event **timer)
{
	if (*timer)
		event_free(*timer);
	*timer = NULL;
}
