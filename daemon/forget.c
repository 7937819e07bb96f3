/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/forget.h"
#include "daemon/neigh.h"

enum { GATHER_MS = 5, BURST = 1000 /* guests a turn: some milliseconds */ };

struct gone {
	struct session_key key;
	struct addr seen[2];
};

struct waiter {
	forget_done_fn *done;
	void *data;
};

/* One round: the guests of the queue when it began, and who waits for it. */
struct round {
	struct engine *engine;
	struct gone *gone;
	size_t gone_count;
	struct waiter *waiters;
	size_t waiter_count;
	size_t asked; /* answers of the gate that are still to come, plus one while we ask */
	bool zones[ZONES_MAX]; /* that have some of them */
	/* where we are: the zone, its neighbours, the next guest, and what is to leave */
	uint32_t zone;
	struct neighbours all;
	size_t at;
	struct gate_forget msg;
};

struct forgetting {
	struct event *timer;	 /* for the next round */
	struct event *go_on;	 /* with the one under way */
	struct round *next;	 /* being filled, or NULL */
	struct round *under_way; /* which the next one waits for, or NULL */
	struct neigh_reader *reader;
};

static struct round *round_filling(struct engine *e)
{
	struct forgetting *f = e->forgetting;

	if (!f->next) {
		f->next = calloc(1, sizeof(*f->next));
		if (f->next)
			f->next->engine = e;
	}
	return f->next;
}

/* Guests that go within this time, or while a round is under way, share the dumps. */
static void wait_for_round(struct engine *e)
{
	const struct timeval soon = {.tv_usec = GATHER_MS * 1000};
	struct forgetting *f = e->forgetting;

	if (f->next && !f->under_way && !evtimer_pending(f->timer, NULL))
		evtimer_add(f->timer, &soon);
}

static void round_free(struct round *r)
{
	if (!r)
		return;
	neighbours_finish(&r->all);
	free(r->waiters);
	free(r->gone);
	free(r);
}

static void round_release(struct round *r)
{
	struct engine *e = r->engine;

	if (--r->asked > 0)
		return;
	for (size_t i = 0; i < r->waiter_count; i++)
		r->waiters[i].done(r->waiters[i].data);
	round_free(r);
	e->forgetting->under_way = NULL;
	wait_for_round(e);
}

static void gate_forgot(void *data, const union msg *reply)
{
	struct round *r = data;

	if (reply->gate_done.error < 0)
		log_warning("conntrack entries of guests that left were not deleted: %s",
			    reply->gate_done.text);
	round_release(r);
}

/* Addresses of one zone leave when there are enough. */
static void send_addrs(struct round *r)
{
	if (r->msg.count == 0)
		return;
	if (gate_client_ask(&r->engine->gate, &r->msg.head, gate_forgot, r) == 0)
		r->asked++;
	r->msg.count = 0;
}

static void add_addr(struct round *r, const struct addr *addr)
{
	if (r->msg.count == FORGET_ADDRS_MAX)
		send_addrs(r);
	r->msg.addrs[r->msg.count++] = *addr;
}

/* Another device has the address now. */
static bool is_taken(const struct neighbours *all, const struct addr *addr, const struct mac *mac)
{
	const struct mac *owner = neighbours_owner(all, addr);

	return owner && !mac_equal(owner, mac);
}

static void forget_guest(struct round *r, const struct gone *g)
{
	const struct neighbour *n = neighbours_first(&r->all, &g->key.mac);

	for (; n; n = neighbours_next(&r->all, n))
		add_addr(r, &n->addr);
	for (size_t i = 0; i < 2; i++) {
		if (g->seen[i].family && !is_taken(&r->all, &g->seen[i], &g->key.mac))
			add_addr(r, &g->seen[i]);
	}
}

static void go_on(const struct round *r)
{
	static const struct timeval now;

	evtimer_add(r->engine->forgetting->go_on, &now);
}

static void neighbours_known(void *data, int error, struct neighbours *all)
{
	struct round *r = data;

	if (error < 0)
		log_warning("neighbour table: %s", strerror(-error));
	r->all = *all;
	r->at = 0;
	go_on(r);
}

/* From this one on; after the last one only the gate's answers are to come. */
static void next_zone(struct round *r)
{
	const struct engine *e = r->engine;

	while (r->zone < e->config->zone_count && !r->zones[r->zone])
		r->zone++;
	if (r->zone == e->config->zone_count) {
		round_release(r);
		return;
	}
	r->msg.head.type = MSG_GATE_FORGET;
	r->msg.zone = r->zone;
	neigh_read(e->forgetting->reader, if_nametoindex(e->config->zones[r->zone].interface),
		   neighbours_known, r);
}

static void on_go_on(evutil_socket_t fd, short what, void *data)
{
	struct round *r = ((struct engine *)data)->forgetting->under_way;

	(void)fd;
	(void)what;
	for (int i = 0; i < BURST && r->at < r->gone_count; i++, r->at++) {
		if (r->gone[r->at].key.zone == r->zone)
			forget_guest(r, &r->gone[r->at]);
	}
	if (r->at < r->gone_count) {
		go_on(r);
		return;
	}
	send_addrs(r);
	neighbours_finish(&r->all);
	r->zone++;
	next_zone(r);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct engine *e = data;
	struct round *r = e->forgetting->next;

	(void)fd;
	(void)what;
	if (!r)
		return;
	e->forgetting->next = NULL;
	e->forgetting->under_way = r;
	r->asked = 1;
	next_zone(r);
}

int forget_create(struct engine *e)
{
	struct forgetting *f = calloc(1, sizeof(*f));

	e->forgetting = f;
	if (!f)
		return -ENOMEM;
	f->timer = evtimer_new(e->base, on_timer, e);
	f->go_on = evtimer_new(e->base, on_go_on, e);
	return f->timer && f->go_on ? neigh_reader_create(e->base, &f->reader) : -ENOMEM;
}

void forget_destroy(struct engine *e)
{
	struct forgetting *f = e->forgetting;

	if (!f)
		return;
	neigh_reader_destroy(f->reader);
	if (f->timer)
		event_free(f->timer);
	if (f->go_on)
		event_free(f->go_on);
	round_free(f->next);
	round_free(f->under_way);
	free(f);
	e->forgetting = NULL;
}

/* One more element at the end of *items, in steps of powers of two; false without memory. */
static bool grow(void *items, size_t count, size_t size)
{
	void **array = items;

	if (count & (count - 1) || (count > 0 && count < 8))
		return true;
	void *bigger = reallocarray(*array, count ? count * 2 : 8, size);

	if (!bigger)
		return false;
	*array = bigger;
	return true;
}

void forget_add(struct engine *e, const struct session *session)
{
	struct round *r = round_filling(e);

	if (!r || !grow(&r->gone, r->gone_count, sizeof(*r->gone))) {
		log_warning("out of memory: conntrack entries of a guest stay until they time out");
		return;
	}
	struct gone *g = &r->gone[r->gone_count++];

	r->zones[session->key.zone] = true;
	g->key = session->key;
	memcpy(g->seen, session->seen, sizeof(g->seen));
}

void forget_then(struct engine *e, forget_done_fn *done, void *data)
{
	struct round *r = round_filling(e);

	if (done && (!r || !grow(&r->waiters, r->waiter_count, sizeof(*r->waiters)))) {
		done(data);
		return;
	}
	if (done)
		r->waiters[r->waiter_count++] = (struct waiter){done, data};
	wait_for_round(e);
}
