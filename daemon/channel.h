/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's end of a socket pair to a child: nothing blocks, what does not fit into the socket
 * waits in a queue. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "common/msg.h"

enum { CHANNEL_QUEUE_MAX = 4096 }; /* messages that wait for a child which does not read */

struct queued;

struct channel {
	int fd; /* owned; -1: not there */
	struct event *readable, *writable;
	struct queued *first, *last;
	size_t queued;
	void (*received)(void *data, const union msg *msg);
	/* error: -EPIPE when the child is gone, else what is wrong with it.  The channel sends and
	 * receives no more. */
	void (*lost)(void *data, int error);
	void *data;
};

/* Takes fd over.  Does not read before channel_start(). */
int channel_init(struct channel *c, struct event_base *base, int fd);
void channel_finish(struct channel *c);
void channel_start(struct channel *c);

/* Copies the message, which leaves now or when there is room.  A failure ends up in lost(). */
void channel_send(struct channel *c, const struct msg_head *head);
/* The same with a descriptor, which stays the caller's. */
void channel_send_fd(struct channel *c, const struct msg_head *head, int fd);
