/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "portal/answer_cache.h"
#include "portal/count.h"
#include "portal/queue.h"
#include "portal/queue_link.h"
#include "portal/queue_packet.h"
#include "portal/responder.h"
#include "portal/responder_page.h"
#include "portal/send_ring.h"

enum {
	BATCH = 32,		   /* packets read at once */
	BATCHES = 8,		   /* a turn, so that HTTP connections are served between */
	PACKET_BUFFER = 68 * 1024, /* one packet as the kernel tells of it: a joined one fits */
	KEY_LIFE = 2 * COOKIE_SLOTS * COOKIE_SLOT, /* seconds until the key changes */
	/* What is answered stays in the kernel's queue until HOLD_MAX packets of it can be dropped at
	 * once, and then HOLD_MIN stay: a message for each batch would wake the gate too often.  And
	 * the kernel (6.18) keeps a queue in a hash table, which it makes anew, twice as large, beyond
	 * three quarters of its buckets and half as large below three tenths.  With these, and up to 320
	 * more that are not read yet, it stays at 1,024. */
	HOLD_MIN = 320,
	HOLD_MAX = 448,
	HOLD_BYTES = 1024 * 1024, /* of packets that stay */
	HOLD_SECONDS = 1,	  /* that a packet stays at most */
	LOG_INTERVAL = 60,	  /* seconds between lines about packets that were not answered */
};

/* A zone as it is now; ifindex 0: not there. */
struct queue_place {
	bool queued;
	uint32_t ifindex;
	struct responder_gateway gateways[2]; /* for IPv4 and IPv6; address's family 0: none */
	struct send_ring ring;
};

struct queue {
	struct site *site;
	struct queue_link link;
	struct event *idle, *tick;
	void (*failed)(void *ctx, int error);
	void *ctx;
	struct responder responder;
	struct answer_cache cache;
	struct responder_zone zones[ZONES_MAX];
	struct queue_place places[ZONES_MAX];
	uint32_t seen_id, told_id; /* packets read; packets that the gate was told of */
	size_t held;		   /* bytes of what was read since then */
	uint64_t unsent, now;	   /* frames; of this batch, seconds */
	struct mmsghdr headers[BATCH];
	struct iovec iovs[BATCH];
	uint8_t *buffers;
};

static uint64_t now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec;
}

/* The address in links: of the guest's family if there is one. */
static const struct responder_gateway *gateway_of(const struct queue *q,
						  const struct responder_request *req)
{
	const struct responder_gateway *gateways = q->places[req->zone].gateways;
	const bool ip6 = req->family == 6;

	return &gateways[gateways[ip6].addr.family ? ip6 : !ip6];
}

static int answer(void *ctx, const struct responder_request *req, char *buf, size_t size)
{
	struct queue *q = ctx;
	const time_t now = time(NULL);
	int len = answer_cache_get(&q->cache, req, now, buf, size);

	if (len > 0)
		return len;
	len = responder_page(req, q->site, gateway_of(q, req), now, buf, size);
	if (len > 0)
		answer_cache_put(&q->cache, req, buf, (size_t)len);
	return len;
}

/* Has the gate drop packets up to this one; if it does not listen just now, when it does. */
static void tell_gate(struct queue *q, uint32_t upto)
{
	const struct queue_drop drop = {.head = {MSG_QUEUE_DROP, 0}, .packet_id = upto};

	if (queue_link_tell(&q->link, &drop.head) == 0)
		q->told_id = upto;
	q->held = 0;
}

static void drop_some(struct queue *q)
{
	if (q->held >= HOLD_BYTES)
		tell_gate(q, q->seen_id);
	else if (q->seen_id - q->told_id >= HOLD_MAX)
		tell_gate(q, q->seen_id - HOLD_MIN);
}

static void drop_all(void *ctx)
{
	struct queue *q = ctx;

	if (q->told_id != q->seen_id)
		tell_gate(q, q->seen_id);
}

/* A frame that cannot leave is lost, and the guest asks again. */
static void lose(struct queue *q, size_t frames)
{
	if (frames == 0)
		return;
	q->unsent += frames;
	count_add(0, WEB_COUNT_UNSENT, frames);
}

static void flush(struct queue *q)
{
	for (size_t i = 0; i < q->site->zone_count; i++)
		lose(q, send_ring_send(&q->places[i].ring));
}

static void respond(struct queue *q, const struct responder_packet *packet)
{
	struct responder_frames frames = {.room = RESPONDER_FRAMES_MAX};
	struct send_ring *ring = &q->places[packet->zone].ring;
	size_t sent = 0;

	if (SEND_RING_SLOTS - ring->filled < frames.room)
		flush(q);
	for (unsigned int i = 0; i < frames.room; i++)
		frames.at[i] = send_ring_at(ring, i);
	count_packet(packet->zone, responder_handle(&q->responder, packet, q->now, &frames));
	while (sent < frames.count && send_ring_put(ring, frames.len[sent]))
		sent++;
	lose(q, frames.count - sent);
}

/* The zone whose interface it came in by; -1: none, it came or went meanwhile. */
static int find_zone(const struct queue *q, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < q->site->zone_count; i++) {
		if (q->places[i].ifindex == ifindex)
			return (int)i;
	}
	return -1;
}

static void take_packet(struct queue *q, const void *data, size_t len)
{
	struct queue_packet told;

	if (!queue_packet_parse(data, len, &told))
		return;
	/* the kernel numbers what it could not give us as well */
	if (told.id != q->seen_id + 1)
		count_add(0, WEB_COUNT_MISSED, told.id - q->seen_id - 1);
	q->seen_id = told.id;
	q->held += len;
	const int zone = find_zone(q, told.ifindex);

	if (zone < 0)
		return;
	told.packet.zone = (size_t)zone;
	respond(q, &told.packet);
}

/* One batch; the number of packets in it. */
static int read_batch(struct queue *q)
{
	int n = recvmmsg(q->link.packets, q->headers, BATCH, MSG_DONTWAIT, NULL);

	q->now = now_seconds();
	for (int i = 0; i < n; i++)
		take_packet(q, q->iovs[i].iov_base, q->headers[i].msg_len);
	flush(q);
	return n;
}

static void on_packets(void *ctx, int fd)
{
	const struct timeval hold = {.tv_sec = HOLD_SECONDS};
	struct queue *q = ctx;

	(void)fd;
	for (int i = 0; i < BATCHES; i++) {
		int n = read_batch(q);

		drop_some(q);
		if (n < BATCH)
			break;
	}
	if (!event_pending(q->idle, EV_TIMEOUT, NULL))
		event_add(q->idle, &hold);
}

static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	drop_all(ctx);
}

static int place_zone(void *ctx, const struct queue_zone *z)
{
	struct queue *q = ctx;

	if (z->zone >= q->site->zone_count || !q->places[z->zone].queued)
		return -EBADMSG;
	struct queue_place *p = &q->places[z->zone];

	p->ifindex = z->ifindex;
	for (size_t i = 0; i < 2; i++)
		responder_gateway_init(&p->gateways[i], &q->site->zones[z->zone].stranger,
				       &z->addrs[i]);
	answer_cache_clear(&q->cache);
	q->zones[z->zone] = (struct responder_zone){
		.mac = z->mac, .mtu = (uint16_t)(z->mtu < FRAME_MTU_MAX ? z->mtu : FRAME_MTU_MAX)};
	return 0;
}

static void on_failed(void *ctx, int error)
{
	const struct queue *q = ctx;

	q->failed(q->ctx, error);
}

static const struct queue_link_calls calls = {on_packets, place_zone, drop_all, on_failed};

static void log_counts(struct queue *q)
{
	count_log_packets(q->responder.counts);
	if (q->unsent)
		log_debug("queue: %" PRIu64 " frames could not be sent", q->unsent);
	q->unsent = 0;
}

/* Once a minute: a new key when the old one has served its time. */
static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	uint8_t key[COOKIE_KEY_LEN];
	struct queue *q = ctx;
	uint64_t now = now_seconds();

	(void)fd;
	(void)what;
	log_counts(q);
	if (now - q->responder.keys.since >= KEY_LIFE &&
	    getrandom(key, sizeof(key), 0) == sizeof(key))
		cookie_rotate(&q->responder.keys, key, now);
}

/* fd: the first zone's packet socket */
static int place_sockets(struct queue *q, int fd)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < q->site->zone_count; i++) {
		q->places[i].queued = q->site->zones[i].queued;
		if (q->places[i].queued)
			r = send_ring_init(&q->places[i].ring, fd++);
	}
	return r;
}

static int make_buffers(struct queue *q)
{
	q->buffers = malloc((size_t)BATCH * PACKET_BUFFER);
	if (!q->buffers)
		return -ENOMEM;
	for (size_t i = 0; i < BATCH; i++) {
		q->iovs[i] = (struct iovec){q->buffers + i * PACKET_BUFFER, PACKET_BUFFER};
		q->headers[i].msg_hdr = (struct msghdr){.msg_iov = &q->iovs[i], .msg_iovlen = 1};
	}
	return 0;
}

static int init_responder(struct queue *q)
{
	uint8_t key[COOKIE_KEY_LEN];

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -errno;
	cookie_init(&q->responder.keys, key, now_seconds());
	q->responder.zones = q->zones;
	q->responder.zone_count = q->site->zone_count;
	q->responder.answer = answer;
	q->responder.ctx = q;
	return 0;
}

static int init_timers(struct queue *q, struct event_base *base)
{
	const struct timeval interval = {.tv_sec = LOG_INTERVAL};

	q->idle = event_new(base, -1, 0, on_idle, q);
	q->tick = event_new(base, -1, EV_PERSIST, on_tick, q);
	return q->idle && q->tick && event_add(q->tick, &interval) == 0 ? 0 : -ENOMEM;
}

static void cleanup_queue(struct queue **queue)
{
	queue_destroy(*queue);
}

int queue_create(struct event_base *base, int first_fd, struct site *site,
		 void (*failed)(void *ctx, int error), void *ctx, struct queue **ret_queue)
{
	CLEANUP(cleanup_queue) struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	*q = (struct queue){.failed = failed, .ctx = ctx, .site = site_ref(site)};
	int r = place_sockets(q, first_fd + 1);

	if (r == 0)
		r = make_buffers(q);
	if (r == 0)
		r = init_responder(q);
	if (r == 0)
		r = init_timers(q, base);
	if (r == 0)
		r = queue_link_init(&q->link, base, first_fd, &calls, q);
	if (r < 0)
		return r;
	*ret_queue = steal_ptr(&q);
	return 0;
}

void queue_destroy(struct queue *q)
{
	if (!q)
		return;
	queue_link_finish(&q->link);
	if (q->idle)
		event_free(q->idle);
	if (q->tick)
		event_free(q->tick);
	for (size_t i = 0; i < ZONES_MAX; i++)
		send_ring_finish(&q->places[i].ring);
	site_unref(q->site);
	free(q->buffers);
	free(q);
}

void queue_set_site(struct queue *q, struct site *site)
{
	struct site *old = q->site;

	q->site = site_ref(site);
	site_unref(old);
	for (size_t i = 0; i < site->zone_count; i++) {
		for (size_t k = 0; k < 2; k++) {
			struct responder_gateway *g = &q->places[i].gateways[k];

			responder_gateway_init(g, &site->zones[i].stranger, &g->addr);
		}
	}
	answer_cache_clear(&q->cache);
}
