/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long whoever needs the event loop waits for it to come round: a timer, and how late it is. */
#pragma once

#include <event2/event.h>

#include "daemon/histogram.h"

struct lag {
	struct event *timer; /* NULL: not begun */
	uint64_t due_us;
	struct histogram seconds;
};

/* -ENOMEM */
int lag_begin(struct lag *lag, struct event_base *base);
void lag_end(struct lag *lag);
