/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/account.h"
#include "daemon/certificate.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/policy.h"

struct accounting {
	struct engine *engine;
	struct event *timer;
	struct sessions_walk walk; /* of this round */
	bool walking;
	uint32_t zone;
	struct mac macs[COUNTERS_MAX]; /* of this portion */
	uint64_t asked_us;	       /* when the gate was */
	size_t portion; /* that the gate was asked for and has not answered yet; 0: none */
	bool failing;	/* the kernel gave no counters the last time */
};

/* Portions are of one zone. */
static size_t count_portions(const struct engine *e)
{
	size_t portions = 0;

	for (uint32_t i = 0; i < e->config->zone_count; i++)
		portions += (e->sessions.zones[i].count + COUNTERS_MAX - 1) / COUNTERS_MAX;
	return portions;
}

/* The next portion after a part of the time; when all are done, the next round. */
static void wait_for_next(struct accounting *a)
{
	const size_t portions = count_portions(a->engine);
	const uint64_t ms = a->engine->config->accounting * 1000 / (portions ? portions : 1);
	const struct timeval wait = {.tv_sec = (time_t)(ms / 1000),
				     .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	evtimer_add(a->timer, &wait);
}

static void ended(void *data, int error, size_t count)
{
	(void)data;
	(void)error; /* it was logged; the next round tries again */
	(void)count;
}

/* Ends those of this portion that have used up what they had, by reason.  Whom the gate has been asked to
 * change is judged by the next round, with what holds then. */
static void end_sessions(struct accounting *a, const char *reason)
{
	struct engine *e = a->engine;
	struct mac macs[COUNTERS_MAX];
	const uint64_t now = now_boot_ms();
	size_t n = 0;

	for (size_t i = 0; i < a->portion; i++) {
		const struct session *s = sessions_find(&e->sessions, a->zone, &a->macs[i]);

		if (s && s->asked == 0 && !s->ending &&
		    policy_used_up(&s->limits, &s->used, (now - s->active_ms) / 1000) == reason)
			macs[n++] = a->macs[i];
	}
	if (n > 0 && member_revoke(e, a->zone, macs, n, &actor_portald, reason, ended, NULL) < 0)
		log_warning("zone %s: out of memory: %zu guest(s) stay online",
			    e->config->zones[a->zone].name, n);
}

/* Once, until it works again: a round may have many portions. */
static void tell_failure(struct accounting *a, const union msg *msg)
{
	if (!a->failing && msg->head.type == MSG_GATE_DONE)
		log_error("zone %s: what %zu guest(s) have used cannot be read: %s",
			  a->engine->config->zones[a->zone].name, a->portion, msg->gate_done.text);
	a->failing = msg->head.type == MSG_GATE_DONE;
}

static void counted(void *data, const union msg *msg)
{
	struct accounting *a = data;
	const struct gate_counters *counters = &msg->gate_counters;
	const bool good = msg->head.type == MSG_GATE_COUNTERS && counters->count == a->portion;

	for (size_t i = 0; i < a->portion && good; i++) {
		struct session *s = sessions_find(&a->engine->sessions, a->zone, &a->macs[i]);

		if (s)
			session_count(s, &counters->counters[i]);
	}
	if (good) {
		end_sessions(a, POLICY_QUOTA);
		end_sessions(a, POLICY_IDLE);
		persist_usage(a->engine, a->zone, a->macs, a->portion);
	}
	tell_failure(a, msg);
	histogram_add(&a->engine->metrics.accounting, now_us() - a->asked_us);
	a->portion = 0;
	wait_for_next(a);
}

/* The next sessions of one zone; none at the end of a round. */
static void gather(struct accounting *a)
{
	struct session *s;

	if (!a->walking)
		sessions_walk_begin(&a->walk, &a->engine->sessions, 0, ZONES_MAX);
	a->walking = true;
	a->portion = 0;
	while (a->portion < COUNTERS_MAX && (s = sessions_walk_next(&a->walk))) {
		if (a->portion > 0 && s->key.zone != a->zone) {
			sessions_walk_back(&a->walk, s);
			return;
		}
		a->zone = s->key.zone;
		a->macs[a->portion++] = s->key.mac;
	}
}

static void end_round(struct accounting *a)
{
	if (a->walking)
		sessions_walk_end(&a->walk);
	a->walking = false;
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct gate_read read = {.head = {MSG_GATE_READ, 0}};
	struct accounting *a = data;

	(void)fd;
	(void)what;
	persist_check_clock(a->engine);
	certificate_tell(a->engine->config, &a->engine->certificates_told);
	gather(a);
	if (a->portion == 0) {
		end_round(a);
		gather(a);
	}
	read.zone = a->zone;
	read.count = (uint32_t)a->portion;
	memcpy(read.macs, a->macs, a->portion * sizeof(a->macs[0]));
	a->asked_us = now_us();
	if (a->portion == 0 || gate_client_ask(&a->engine->gate, &read.head, counted, a) < 0) {
		a->portion = 0;
		wait_for_next(a);
	}
}

int accounting_create(struct engine *e)
{
	struct accounting *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->engine = e;
	a->timer = evtimer_new(e->base, on_timer, a);
	e->accounting = a;
	return a->timer ? 0 : -ENOMEM;
}

void accounting_begin(struct engine *e)
{
	wait_for_next(e->accounting);
}

void accounting_destroy(struct engine *e)
{
	struct accounting *a = e->accounting;

	if (!a)
		return;
	if (a->timer)
		event_free(a->timer);
	end_round(a);
	free(a);
	e->accounting = NULL;
}
