/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells a supervisor that asks for it (sd_notify(3): WATCHDOG_USEC) that the event loop still comes round.  One that hangs is
 * ended and started again; the kernel keeps guests online and strangers out meanwhile. */
#pragma once

#include <event2/event.h>

/* -ENOMEM; 0 and no timer if nobody asks. */
int watchdog_begin(struct event_base *base, struct event **ret_timer);
void watchdog_end(struct event **timer);
