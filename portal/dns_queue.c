/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/garden_name.h"
#include "portal/dns_answer.h"
#include "portal/dns_queue.h"
#include "portal/queue_link.h"
#include "portal/queue_packet.h"

enum {
	PACKET_BUFFER =
		68 * 1024, /* one packet as the kernel tells of it: the largest answer fits */
	PACKETS = 32,	   /* a turn, so that HTTP connections are served between */
};

struct dns_queue {
	struct site *site;
	struct queue_link link;
	void (*failed)(void *ctx, int error);
	void *ctx;
	uint32_t ifindex[ZONES_MAX]; /* of each zone; 0: not there */
	struct garden_answer answer; /* what the gate hears next */
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
	int r = queue_link_tell(&q->link, &q->answer.head);

	if (r == -EAGAIN)
		event_del(q->link.readable);
	return r == 0;
}

static void on_packets(void *ctx, int fd)
{
	struct queue_outgoing told;
	struct dns_queue *q = ctx;

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

static void on_writable(void *ctx)
{
	struct dns_queue *q = ctx;

	if (tell_gate(q))
		event_add(q->link.readable, NULL);
}

static int place_zone(void *ctx, const struct queue_zone *z)
{
	struct dns_queue *q = ctx;

	if (z->zone >= q->site->zone_count)
		return -EBADMSG;
	q->ifindex[z->zone] = z->ifindex;
	return 0;
}

static void on_failed(void *ctx, int error)
{
	const struct dns_queue *q = ctx;

	q->failed(q->ctx, error);
}

static const struct queue_link_calls calls = {on_packets, place_zone, on_writable, on_failed};

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
	q->failed = failed;
	q->ctx = ctx;
	q->site = site_ref(site);
	int r = queue_link_init(&q->link, base, fd, &calls, q);

	if (r == 0)
		*ret_queue = steal_ptr(&q);
	return r;
}

void dns_queue_destroy(struct dns_queue *q)
{
	if (!q)
		return;
	queue_link_finish(&q->link);
	site_unref(q->site);
	free(q);
}

void dns_queue_set_site(struct dns_queue *q, struct site *site)
{
	struct site *old = q->site;

	q->site = site_ref(site);
	site_unref(old);
}
