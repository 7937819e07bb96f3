/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NFQUEUE of the DNS answers that the gateway sends to strangers, and the socket pair to the first web worker, who reads it. */
#pragma once

#include "nft/queue.h"

struct answers {
	bool there;  /* the gate was started with the socket pair, FD_ANSWERS */
	bool opened; /* the queue is bound, and the worker has it */
	uint16_t number;
	size_t zone_count; /* zones that have a rule with the queue in the kernel */
	char zones[ZONES_MAX][ZONE_NAME_MAX];
	char trouble[ERROR_TEXT_MAX]; /* why host names stay closed, for the engine; or "" */
	struct queue queue;
};

/* Opens the socket; call before the seccomp filter. */
int answers_prepare(struct answers *a);
/* Binds it to a queue number and sends it to the worker, if that is not done.  Where it cannot be bound (a->trouble), gardens
 * go on by addresses alone.  Negative errno: the worker is gone. */
int answers_open(struct answers *a, uint16_t number);
void answers_finish(struct answers *a);

/* Tells the worker where a zone is. */
int answers_place(const struct answers *a, uint32_t zone, uint32_t ifindex);

/* Lets those that wait go on, unread. */
int answers_release(struct answers *a);
/* Lets one packet go on.  -EBADMSG: its id lies behind the last one. */
int answers_accept(struct answers *a, uint32_t packet_id);
