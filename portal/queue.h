/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Divert "queue" in a web worker: reads strangers' packets from its NFQUEUE, has portal/responder.c answer them through the zones'
 * packet sockets, and tells the gate which packets are done with.  The gate alone can do something with a packet, and all that it
 * does is drop it; a worker that does not keep up loses packets in the kernel's queue, and its strangers try again.
 */
#pragma once

#include <stddef.h>

#include <event2/event.h>

#include "portal/site.h"

struct queue;

/* first_fd: the socket pair to the gate; behind it the packet sockets of zones with divert "queue", in their order.  Takes them
 * over.  failed(ctx, error): the gate is gone (-EPIPE) or says what cannot be; the worker must end.  Negative errno. */
int queue_create(struct event_base *base, int first_fd, struct site *site,
		 void (*failed)(void *ctx, int error), void *ctx, struct queue **ret_queue);
void queue_destroy(struct queue *queue);

/* After a reload. */
void queue_set_site(struct queue *queue, struct site *site);
