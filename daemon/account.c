/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "daemon/account.h"
#include "daemon/certificate.h"
#include "daemon/member.h"
#include "daemon/persist.h"
#include "daemon/policy.h"

struct accounting {
	struct engine *engine;
	struct event *timer;
	struct session_key *keys; /* of this round, by zone */
	size_t count, at;
	uint64_t asked_us; /* when the gate was */
	size_t portion;	   /* that the gate was asked for and has not answered yet; 0: none */
};

static int by_zone(const void *a, const void *b)
{
	const struct session_key *x = a, *y = b;

	return (x->zone > y->zone) - (x->zone < y->zone);
}

static int start_round(struct accounting *a)
{
	const struct sessions *sessions = &a->engine->sessions;
	const size_t count = HASH_COUNT(sessions->all);

	free(a->keys);
	a->count = a->at = 0;
	a->keys = calloc(count + 1, sizeof(*a->keys));
	if (!a->keys)
		return -ENOMEM;
	for (const struct session *s = sessions->all; s; s = s->hh.next)
		a->keys[a->count++] = s->key;
	qsort(a->keys, a->count, sizeof(*a->keys), by_zone);
	return 0;
}

/* The next portion after a part of the time; when all are done, the next round. */
static void wait_for_next(struct accounting *a)
{
	const uint64_t portions = (a->count + COUNTERS_MAX - 1) / COUNTERS_MAX;
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

/* Ends those of this portion that have used up what they had, by reason. */
static void end_sessions(struct accounting *a, const char *reason)
{
	struct engine *e = a->engine;
	struct mac macs[COUNTERS_MAX];
	const uint64_t now = now_boot_ms();
	size_t n = 0;

	for (size_t i = 0; i < a->portion; i++) {
		const struct session_key *key = &a->keys[a->at + i];
		const struct session *s = sessions_find(&e->sessions, key->zone, &key->mac);

		if (s &&
		    policy_used_up(&s->limits, &s->used, (now - s->active_ms) / 1000) == reason)
			macs[n++] = key->mac;
	}
	if (n > 0 &&
	    member_revoke(e, a->keys[a->at].zone, macs, n, &actor_portald, reason, ended, NULL) < 0)
		log_warning("zone %s: out of memory: %zu guest(s) stay online",
			    e->config->zones[a->keys[a->at].zone].name, n);
}

static void counted(void *data, const union msg *msg)
{
	struct accounting *a = data;
	const struct gate_counters *counters = &msg->gate_counters;
	const bool good = msg->head.type == MSG_GATE_COUNTERS && counters->count == a->portion;

	for (size_t i = 0; i < a->portion && good; i++) {
		const struct session_key *key = &a->keys[a->at + i];
		struct session *s = sessions_find(&a->engine->sessions, key->zone, &key->mac);

		if (s)
			session_count(s, &counters->counters[i]);
	}
	if (good) {
		end_sessions(a, POLICY_QUOTA);
		end_sessions(a, POLICY_IDLE);
		persist_usage(a->engine, &a->keys[a->at], a->portion);
	}
	histogram_add(&a->engine->metrics.accounting, now_us() - a->asked_us);
	a->at += a->portion;
	a->portion = 0;
	wait_for_next(a);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct gate_read read = {.head = {MSG_GATE_READ, 0}};
	struct accounting *a = data;

	(void)fd;
	(void)what;
	persist_check_clock(a->engine);
	certificate_tell(a->engine->config, &a->engine->certificates_told);
	if (a->at == a->count && start_round(a) < 0)
		log_warning("accounting: out of memory; the next try follows");
	if (a->at < a->count)
		read.zone = a->keys[a->at].zone;
	while (a->at + read.count < a->count && read.count < COUNTERS_MAX &&
	       a->keys[a->at + read.count].zone == read.zone) {
		read.macs[read.count] = a->keys[a->at + read.count].mac;
		read.count++;
	}
	a->portion = read.count;
	a->asked_us = now_us();
	if (read.count == 0 || gate_client_ask(&a->engine->gate, &read.head, counted, a) < 0) {
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
	if (!a->timer)
		return -ENOMEM;
	wait_for_next(a);
	return 0;
}

void accounting_destroy(struct engine *e)
{
	struct accounting *a = e->accounting;

	if (!a)
		return;
	if (a->timer)
		event_free(a->timer);
	free(a->keys);
	free(a);
	e->accounting = NULL;
}
