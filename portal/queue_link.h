/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A web worker's socket pair to the gate about one NFQUEUE: the queue's socket comes by it, and where each zone is; what the
 * worker has read is told. */
#pragma once

#include <event2/event.h>

#include "common/msg.h"

struct queue_link_calls {
	/* packets can be read from the queue's socket */
	void (*packets)(void *ctx, int fd);
	/* 0, or -EBADMSG */
	int (*zone)(void *ctx, const struct queue_zone *zone);
	/* the gate listens again, after queue_link_tell() was -EAGAIN */
	void (*writable)(void *ctx);
	/* the gate is gone (-EPIPE) or says what cannot be; the worker must end */
	void (*failed)(void *ctx, int error);
};

struct queue_link {
	const struct queue_link_calls *calls;
	void *ctx;
	struct event_base *base;
	int gate, packets; /* the latter -1 until the gate sends it */
	struct event *from_gate, *to_gate, *readable;
};

/* fd: the socket pair, which is taken over.  Negative errno: finish it all the same. */
int queue_link_init(struct queue_link *l, struct event_base *base, int fd,
		    const struct queue_link_calls *calls, void *ctx);
/* All zero is fine. */
void queue_link_finish(struct queue_link *l);

/* 0; -EAGAIN: the gate does not listen just now; else it has failed. */
int queue_link_tell(struct queue_link *l, const struct msg_head *message);
