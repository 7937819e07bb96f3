/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/garden_name.h"
#include "common/msg.h"
#include "portal/dns_answer.h"
#include "portal/dns_queue.h"
#include "portal/queue_packet.h"

enum {
	PACKET_BUFFER =
		68 * 1024, /* one packet as the kernel tells of it: the largest answer fits */
	PACKETS = 32,	   /* a turn, so that HTTP connections are served between */
};

struct dns_queue {
	struct site *site;
	int gate, packets; /* the latter -1 until the gate sends it */
	struct event_base *base;
	struct event *from_gate, *to_gate, *readable;
	void (*failed)(void *ctx, int error);
	void *ctx;
	uint32_t ifindex[ZONES_MAX]; /* of each zone; 0: not there */
	struct garden_answer answer; /* what the gate hears next */
	union msg msg;
	uint8_t buffer[PACKET_BUFFER];
};

static int find_zone(const struct dns_queue *q, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < q->site->zone_count; i++) {
		if (q->ifindex[i] == ifindex)
			return (int)i;
	}
	return -1;
}

static void describe(struct dns_queue *q, const struct queue_outgoing *told)
{
	const int zone = find_zone(q, told->ifindex);
	struct garden_answer *a = &q->answer;
	struct dns_answer found;

	*a = (struct garden_answer){.head = {MSG_GARDEN_ANSWER, 0}, .packet_id = told->id};
	if (zone < 0 || !told->data)
		return;
	const struct garden *garden = &q->site->zones[zone].garden;

	if (!dns_answer_read(told->data, told->len, garden, &found))
		return;
	a->zone = (uint32_t)zone;
	a->names = found.names;
	a->list = garden_names_sum(garden);
	a->count = (uint32_t)found.count;
	memcpy(a->found, found.found, sizeof(a->found));
}

/* False: the gate does not listen just now (then no more is read until it does), or is gone. */
static bool tell_gate(struct dns_queue *q)
{
	int r = msg_send(q->gate, &q->answer.head, -1);

	if (r == -EAGAIN) {
		event_del(q->readable);
		event_add(q->to_gate, NULL);
	} else if (r < 0) {
		q->failed(q->ctx, r);
	}
	return r == 0;
}

static void on_packets(evutil_socket_t fd, short what, void *ctx)
{
	struct queue_outgoing told;
	struct dns_queue *q = ctx;

	(void)what;
	for (int i = 0; i < PACKETS; i++) {
		ssize_t n = recv(fd, q->buffer, sizeof(q->buffer), MSG_DONTWAIT);

		if (n <= 0)
			return;
		if (!queue_packet_parse_outgoing(q->buffer, (size_t)n, &told))
			continue;
		describe(q, &told);
		if (!tell_gate(q))
			return;
	}
}

static void on_gate_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_queue *q = ctx;

	(void)fd;
	(void)what;
	if (tell_gate(q))
		event_add(q->readable, NULL);
}

static int open_queue(struct dns_queue *q, int fd)
{
	if (fd < 0 || q->packets >= 0) {
		cleanup_close(&fd);
		return -EBADMSG;
	}
	q->packets = fd;
	q->readable = event_new(q->base, fd, EV_READ | EV_PERSIST, on_packets, q);
	return q->readable && event_add(q->readable, NULL) == 0 ? 0 : -ENOMEM;
}

static int place_zone(struct dns_queue *q, const struct queue_zone *z)
{
	if (z->zone >= q->site->zone_count)
		return -EBADMSG;
	q->ifindex[z->zone] = z->ifindex;
	return 0;
}

static void on_gate(evutil_socket_t sock, short what, void *ctx)
{
	struct dns_queue *q = ctx;
	int fd = -1;
	int r = msg_recv(sock, &q->msg, &fd);

	(void)what;
	if (r == 0 && q->msg.head.type == MSG_QUEUE_OPEN)
		r = open_queue(q, fd);
	else if (r == 0 && q->msg.head.type == MSG_QUEUE_ZONE)
		r = place_zone(q, &q->msg.queue_zone);
	else if (r == 0)
		r = -EBADMSG;
	if (r < 0 && r != -EAGAIN)
		q->failed(q->ctx, r);
}

static void cleanup_queue(struct dns_queue **queue)
{
	dns_queue_destroy(*queue);
}

int dns_queue_create(struct event_base *base, int fd, struct site *site,
		     void (*failed)(void *ctx, int error), void *ctx, struct dns_queue **ret_queue)
{
	CLEANUP(cleanup_queue) struct dns_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->base = base;
	q->gate = fd;
	q->packets = -1;
	q->failed = failed;
	q->ctx = ctx;
	q->site = site_ref(site);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	q->from_gate = event_new(base, fd, EV_READ | EV_PERSIST, on_gate, q);
	q->to_gate = event_new(base, fd, EV_WRITE, on_gate_writable, q);
	if (!q->from_gate || !q->to_gate || event_add(q->from_gate, NULL) < 0)
		return -ENOMEM;
	*ret_queue = steal_ptr(&q);
	return 0;
}

void dns_queue_destroy(struct dns_queue *q)
{
	if (!q)
		return;
	struct event *events[] = {q->from_gate, q->to_gate, q->readable};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i])
			event_free(events[i]);
	}
	cleanup_close(&q->packets);
	cleanup_close(&q->gate);
	site_unref(q->site);
	free(q);
}

void dns_queue_set_site(struct dns_queue *q, struct site *site)
{
	struct site *old = q->site;

	q->site = site_ref(site);
	site_unref(old);
}
