/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/log.h"
#include "daemon/gate_client.h"

struct gate_wait {
	uint32_t id;
	gate_reply_fn *fn;
	void *data;
	UT_hash_handle hh;
};

static void answered(struct gate_client *g, const union msg *msg)
{
	struct gate_wait *w;

	HASH_FIND(hh, g->waiting, &msg->head.id, sizeof(msg->head.id), w);
	if (!w) {
		g->lost(g->data, -EBADMSG);
		return;
	}
	gate_reply_fn *fn = w->fn;
	void *data = w->data;

	if (msg->head.type != MSG_GATE_SESSION) {
		HASH_DEL(g->waiting, w);
		free(w);
	}
	fn(data, msg);
}

static void received(void *data, const union msg *msg)
{
	struct gate_client *g = data;

	switch (msg->head.type) {
	case MSG_GATE_DONE:
		if (!memchr(msg->gate_done.text, '\0', sizeof(msg->gate_done.text)))
			g->lost(g->data, -EBADMSG);
		else
			answered(g, msg);
		break;
	case MSG_GATE_SESSION:
		if (!memchr(msg->gate_session.comment, '\0', sizeof(msg->gate_session.comment)))
			g->lost(g->data, -EBADMSG);
		else
			answered(g, msg);
		break;
	case MSG_GATE_COUNTERS:
		answered(g, msg);
		break;
	case MSG_GATE_LINK:
		g->link_changed(g->data, msg->gate_link.zone, msg->gate_link.state);
		break;
	default:
		g->lost(g->data, -EBADMSG);
	}
}

static void lost(void *data, int error)
{
	struct gate_client *g = data;

	g->lost(g->data, error);
}

int gate_client_init(struct gate_client *g, struct event_base *base, int fd)
{
	g->channel.received = received;
	g->channel.lost = lost;
	g->channel.data = g;
	return channel_init(&g->channel, base, fd);
}

void gate_client_finish(struct gate_client *g)
{
	struct gate_wait *w, *next;

	HASH_ITER (hh, g->waiting, w, next) {
		HASH_DEL(g->waiting, w);
		free(w);
	}
	channel_finish(&g->channel);
}

void gate_client_tell(struct gate_client *g, struct msg_head *head)
{
	head->id = ++g->last_id;
	channel_send(&g->channel, head);
}

int gate_client_ask(struct gate_client *g, struct msg_head *head, gate_reply_fn *fn, void *data)
{
	struct gate_wait *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct gate_wait){.id = ++g->last_id, .fn = fn, .data = data};
	HASH_ADD(hh, g->waiting, id, sizeof(w->id), w);
	head->id = w->id;
	channel_send(&g->channel, head);
	return 0;
}
