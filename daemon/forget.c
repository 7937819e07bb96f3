/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/forget.h"
#include "daemon/neigh.h"

enum { GATHER_MS = 5 };

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
};

struct forgetting {
	struct event *timer;
	struct round *next; /* being filled, or NULL */
	bool under_way;	    /* one round is, which the next one waits for */
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

static void round_release(struct round *r)
{
	struct engine *e = r->engine;

	if (--r->asked > 0)
		return;
	for (size_t i = 0; i < r->waiter_count; i++)
		r->waiters[i].done(r->waiters[i].data);
	free(r->waiters);
	free(r->gone);
	free(r);
	e->forgetting->under_way = false;
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

/* Collects addresses of one zone and sends them when there are enough. */
struct sending {
	struct round *round;
	struct gate_forget msg;
};

static void send_addrs(struct sending *s)
{
	if (s->msg.count == 0)
		return;
	if (gate_client_ask(&s->round->engine->gate, &s->msg.head, gate_forgot, s->round) == 0)
		s->round->asked++;
	s->msg.count = 0;
}

static void add_addr(struct sending *s, const struct addr *addr)
{
	if (s->msg.count == FORGET_ADDRS_MAX)
		send_addrs(s);
	s->msg.addrs[s->msg.count++] = *addr;
}

/* Another device has the address now. */
static bool is_taken(const struct neighbours *all, const struct addr *addr, const struct mac *mac)
{
	const struct mac *owner = neighbours_owner(all, addr);

	return owner && !mac_equal(owner, mac);
}

static void forget_guest(struct sending *s, const struct gone *g, const struct neighbours *all)
{
	const struct neighbour *n = neighbours_first(all, &g->key.mac);

	for (; n; n = neighbours_next(all, n))
		add_addr(s, &n->addr);
	for (size_t i = 0; i < 2; i++) {
		if (g->seen[i].family && !is_taken(all, &g->seen[i], &g->key.mac))
			add_addr(s, &g->seen[i]);
	}
}

static void forget_zone(struct round *r, uint32_t zone)
{
	CLEANUP(neighbours_finish) struct neighbours all = {0};
	CLEANUP(cleanup_free) struct sending *s = calloc(1, sizeof(*s));
	struct engine *e = r->engine;
	unsigned int ifindex = if_nametoindex(e->config->zones[zone].interface);

	if (!s)
		return;
	int err = ifindex ? neighbours_read(&all, &e->rtnl, ifindex) : 0;

	if (err < 0)
		log_warning("neighbour table: %s", strerror(-err));
	s->round = r;
	s->msg.head.type = MSG_GATE_FORGET;
	s->msg.zone = zone;
	for (size_t i = 0; i < r->gone_count; i++) {
		if (r->gone[i].key.zone == zone)
			forget_guest(s, &r->gone[i], &all);
	}
	send_addrs(s);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct engine *e = data;
	struct round *r = e->forgetting->next;
	bool zones[ZONES_MAX] = {false};

	(void)fd;
	(void)what;
	if (!r)
		return;
	e->forgetting->next = NULL;
	e->forgetting->under_way = true;
	r->asked = 1;
	for (size_t i = 0; i < r->gone_count; i++)
		zones[r->gone[i].key.zone] = true;
	for (uint32_t zone = 0; zone < e->config->zone_count; zone++) {
		if (zones[zone])
			forget_zone(r, zone);
	}
	round_release(r);
}

int forget_create(struct engine *e)
{
	e->forgetting = calloc(1, sizeof(*e->forgetting));
	if (!e->forgetting)
		return -ENOMEM;
	e->forgetting->timer = evtimer_new(e->base, on_timer, e);
	return e->forgetting->timer ? 0 : -ENOMEM;
}

void forget_destroy(struct engine *e)
{
	if (!e->forgetting)
		return;
	if (e->forgetting->timer)
		event_free(e->forgetting->timer);
	if (e->forgetting->next) {
		free(e->forgetting->next->gone);
		free(e->forgetting->next->waiters);
		free(e->forgetting->next);
	}
	free(e->forgetting);
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
