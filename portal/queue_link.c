/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>

#include "common/cleanup.h"
#include "portal/queue_link.h"

static void on_packets(evutil_socket_t fd, short what, void *data)
{
	const struct queue_link *l = data;

	(void)what;
	l->calls->packets(l->ctx, fd);
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
	const struct queue_link *l = data;

	(void)fd;
	(void)what;
	l->calls->writable(l->ctx);
}

static int open_queue(struct queue_link *l, int fd)
{
	if (fd < 0 || l->packets >= 0) {
		cleanup_close(&fd);
		return -EBADMSG;
	}
	l->packets = fd;
	l->readable = event_new(l->base, fd, EV_READ | EV_PERSIST, on_packets, l);
	return l->readable && event_add(l->readable, NULL) == 0 ? 0 : -ENOMEM;
}

static void on_gate(evutil_socket_t sock, short what, void *data)
{
	static union msg msg;
	struct queue_link *l = data;
	int fd = -1;
	int r = msg_recv(sock, &msg, &fd);

	(void)what;
	if (r == 0 && msg.head.type == MSG_QUEUE_OPEN)
		r = open_queue(l, fd);
	else if (r == 0 && msg.head.type == MSG_QUEUE_ZONE)
		r = l->calls->zone(l->ctx, &msg.queue_zone);
	else if (r == 0)
		r = -EBADMSG;
	if (r < 0 && r != -EAGAIN)
		l->calls->failed(l->ctx, r);
}

int queue_link_init(struct queue_link *l, struct event_base *base, int fd,
		    const struct queue_link_calls *calls, void *ctx)
{
	*l = (struct queue_link){
		.calls = calls, .ctx = ctx, .base = base, .gate = fd, .packets = -1};
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	l->from_gate = event_new(base, fd, EV_READ | EV_PERSIST, on_gate, l);
	l->to_gate = event_new(base, fd, EV_WRITE, on_writable, l);
	return l->from_gate && l->to_gate && event_add(l->from_gate, NULL) == 0 ? 0 : -ENOMEM;
}

void queue_link_finish(struct queue_link *l)
{
	struct event *events[] = {l->from_gate, l->to_gate, l->readable};

	if (!l->calls)
		return;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i])
			event_free(events[i]);
	}
	cleanup_close(&l->packets);
	cleanup_close(&l->gate);
}

int queue_link_tell(struct queue_link *l, const struct msg_head *message)
{
	int r = msg_send(l->gate, message, -1);

	if (r == -EAGAIN)
		event_add(l->to_gate, NULL);
	else if (r < 0)
		l->calls->failed(l->ctx, r);
	return r;
}
