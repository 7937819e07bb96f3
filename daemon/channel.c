/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/channel.h"
#include "daemon/histogram.h"

/* Messages a turn, and the time after which no other is begun: one child cannot keep the loop. */
enum { RECEIVE_BURST = 64, RECEIVE_US = 5000 };

struct queued {
	struct queued *next;
	int fd;	      /* owned, or -1 */
	char bytes[]; /* a message */
};

static void queued_free(struct queued *q)
{
	cleanup_close(&q->fd);
	free(q);
}

static void channel_lose(struct channel *c, int error)
{
	event_del(c->readable);
	event_del(c->writable);
	c->lost(c->data, error);
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	static union msg msg;
	struct channel *c = data;

	const uint64_t began_us = now_us();

	(void)what;
	for (int i = 0; i < RECEIVE_BURST && now_us() - began_us < RECEIVE_US; i++) {
		int r = msg_recv(fd, &msg, NULL);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			channel_lose(c, r);
			return;
		}
		c->received(c->data, &msg);
	}
}

/* 0, or -EAGAIN while there is something left. */
static int flush_queue(struct channel *c)
{
	while (c->first) {
		struct queued *q = c->first;
		int r = msg_send(c->fd, (const struct msg_head *)(const void *)q->bytes, q->fd);

		if (r < 0)
			return r;
		c->first = q->next;
		if (!c->first)
			c->last = NULL;
		c->queued--;
		queued_free(q);
	}
	return 0;
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
	struct channel *c = data;
	int r = flush_queue(c);

	(void)fd;
	(void)what;
	if (r == 0)
		event_del(c->writable);
	else if (r != -EAGAIN)
		channel_lose(c, r);
}

int channel_init(struct channel *c, struct event_base *base, int fd)
{
	c->fd = fd;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	return c->readable && c->writable ? 0 : -ENOMEM;
}

void channel_finish(struct channel *c)
{
	while (c->first) {
		struct queued *q = c->first;

		c->first = q->next;
		queued_free(q);
	}
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	cleanup_close(&c->fd);
	*c = (struct channel){.fd = -1};
}

void channel_start(struct channel *c)
{
	event_add(c->readable, NULL);
}

static int enqueue(struct channel *c, const struct msg_head *head, int fd)
{
	size_t size = msg_size(head->type);
	struct queued *q = malloc(sizeof(*q) + size);

	if (!q || c->queued == CHANNEL_QUEUE_MAX) {
		free(q);
		return -ENOBUFS;
	}
	*q = (struct queued){.fd = -1};
	memcpy(q->bytes, head, size);
	if (fd >= 0) {
		q->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (q->fd < 0) {
			queued_free(q);
			return -errno;
		}
	}
	if (c->last)
		c->last->next = q;
	else
		c->first = q;
	c->last = q;
	c->queued++;
	event_add(c->writable, NULL);
	return 0;
}

void channel_send_fd(struct channel *c, const struct msg_head *head, int fd)
{
	int r = c->first ? -EAGAIN : msg_send(c->fd, head, fd);

	if (r == -EAGAIN)
		r = enqueue(c, head, fd);
	if (r < 0)
		channel_lose(c, r);
}

void channel_send(struct channel *c, const struct msg_head *head)
{
	channel_send_fd(c, head, -1);
}
