/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/duration.h"
#include "daemon/gate_client.h"

struct gate_wait {
	uint32_t id;
	gate_reply_fn *fn;
	void *data;
	TAILQ_ENTRY(gate_wait) entry;
};

/* The gate answers in the order of asking, so it is the first one; but a MSG_GATE_FORGET takes its time,
 * and others overtake it. */
static struct gate_wait *find(struct gate_client *g, uint32_t id)
{
	struct gate_wait *w;

	TAILQ_FOREACH (w, &g->waiting, entry) {
		if (w->id == id)
			break;
	}
	return w;
}

static void answered(struct gate_client *g, const union msg *msg)
{
	struct gate_wait *w = find(g, msg->head.id);

	if (!w) {
		g->lost(g->data, -EBADMSG);
		return;
	}
	gate_reply_fn *fn = w->fn;
	void *data = w->data;

	if (msg->head.type != MSG_GATE_SESSION) {
		TAILQ_REMOVE(&g->waiting, w, entry);
		free(w);
	}
	fn(data, msg);
}

int gate_reply_error(const union msg *reply)
{
	return reply->head.type == MSG_GATE_DONE ? reply->gate_done.error : 0;
}

bool gate_reply_is_failure(int error)
{
	return error < 0 && error != -EKEYREJECTED && error != -ESRCH;
}

static void done(struct gate_client *g, const union msg *msg)
{
	if (gate_reply_is_failure(msg->gate_done.error)) {
		g->errors++;
		g->refused_ms = now_boot_ms();
		memcpy(g->refused, msg->gate_done.text, sizeof(g->refused));
	}
	answered(g, msg);
}

bool gate_client_trouble(const struct gate_client *g, char *ret_text, size_t size)
{
	char ago[DURATION_TEXT_MAX];

	if (g->errors == 0)
		return false;
	duration_format((now_boot_ms() - g->refused_ms) / 1000, ago);
	snprintf(ret_text, size,
		 "the kernel has refused changes or readings of portald's tables %" PRIu64
		 " times since the start, the last %s ago: %s; see the log",
		 g->errors, ago, g->refused);
	return true;
}

static void received(void *data, const union msg *msg)
{
	struct gate_client *g = data;

	switch (msg->head.type) {
	case MSG_GATE_DONE:
		if (!memchr(msg->gate_done.text, '\0', sizeof(msg->gate_done.text)))
			g->lost(g->data, -EBADMSG);
		else
			done(g, msg);
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
	case MSG_GATE_ABILITY:
		if (!memchr(msg->gate_ability.names, '\0', sizeof(msg->gate_ability.names)))
			g->lost(g->data, -EBADMSG);
		else
			g->able(g->data, &msg->gate_ability);
		break;
	case MSG_GATE_FLUSHED:
		g->flushed(g->data, msg->gate_flushed.round);
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
	TAILQ_INIT(&g->waiting);
	return channel_init(&g->channel, base, fd);
}

void gate_client_finish(struct gate_client *g)
{
	struct gate_wait *w;

	if (!g->waiting.tqh_last) /* never initialised */
		return;
	while ((w = TAILQ_FIRST(&g->waiting))) {
		TAILQ_REMOVE(&g->waiting, w, entry);
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
	TAILQ_INSERT_TAIL(&g->waiting, w, entry);
	head->id = w->id;
	channel_send(&g->channel, head);
	return 0;
}
