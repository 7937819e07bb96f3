/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket pair between the gate and the first web worker for DNS answers; and what divert "queue" needs root for: a socket pair between the gate and each web worker, and for each worker and zone a packet
 * socket, unbound, that both hold: the gate binds it, the worker sends. */
#pragma once

#include <stddef.h>

#include "common/proto_queue.h"

struct config;

struct queue_parts {
	size_t workers, zones;	       /* zones with divert "queue"; both 0: there are none */
	int gate_answers, web_answers; /* the ends of the pair for DNS answers */
	int gate_ends[WORKERS_MAX], web_ends[WORKERS_MAX];
	int packet
		[PACKET_SOCKETS_MAX]; /* worker i's socket for the nth such zone: [n * workers + i] */
};

/* Opens them; a part that is half made may be finished.  Negative errno, told to the log. */
int queue_parts_init(struct queue_parts *q, const struct config *config);
void queue_parts_finish(struct queue_parts *q);
