/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host names of walled gardens, in the first web worker: reads the DNS answers that the gateway's own resolver sends to
 * strangers from their NFQUEUE, and tells the gate of each what it opens (portal/dns_answer.c).  The gate opens that, and then
 * lets the answer go on as it is: a guest cannot be faster than its garden.  Nobody else can do anything with a packet, and
 * where nobody reads, the kernel lets answers pass and the garden stays shut.
 */
#pragma once

#include <event2/event.h>

#include "portal/site.h"

struct dns_queue;

/* fd: the socket pair to the gate, which is taken over.  failed(ctx, error): the gate is gone (-EPIPE) or says what cannot be;
 * the worker must end.  Negative errno. */
int dns_queue_create(struct event_base *base, int fd, struct site *site,
		     void (*failed)(void *ctx, int error), void *ctx, struct dns_queue **ret_queue);
void dns_queue_destroy(struct dns_queue *queue);

/* After a reload. */
void dns_queue_set_site(struct dns_queue *queue, struct site *site);
