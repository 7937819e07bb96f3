/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/sessions.h"

/* The kernel's end comes first: it counts in ticks, from when it was asked. */
enum { AFTER_KERNEL_MS = 100 };
enum { EXPIRE_BURST = 64 }; /* sessions a turn: some milliseconds */

static const char *const how_names[] = {[HOW_LOGIN] = "login", [HOW_GRANT] = "grant"};

/* When the next one ends, or at once, but after whoever else is waiting. */
static void wait_for_end(struct sessions *t)
{
	const struct session *first = session_heap_first(&t->ends);
	const uint64_t now = now_boot_ms();

	if (!first || t->held) {
		evtimer_del(t->timer);
		return;
	}
	const uint64_t due = first->ends_ms + AFTER_KERNEL_MS, ms = due > now ? due - now : 0;
	const struct timeval wait = {.tv_sec = (time_t)(ms / 1000),
				     .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	evtimer_add(t->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	const uint64_t now = now_boot_ms();
	struct sessions *t = data;
	struct session *s;

	(void)fd;
	(void)what;
	for (int i = 0; i < EXPIRE_BURST; i++) {
		s = session_heap_first(&t->ends);
		if (!s || s->ends_ms + AFTER_KERNEL_MS > now)
			break;
		t->expired(t->data, s);
	}
	wait_for_end(t);
}

int sessions_init(struct sessions *t, struct event_base *base)
{
	for (size_t i = 0; i < ZONES_MAX; i++)
		TAILQ_INIT(&t->lists[i]);
	LIST_INIT(&t->walks);
	t->timer = evtimer_new(base, on_timer, t);
	return t->timer ? 0 : -ENOMEM;
}

void sessions_release(struct sessions *t)
{
	t->held = false;
	wait_for_end(t);
}

/* The whole of it is hashed. */
static struct session_key make_key(uint32_t zone, const struct mac *mac)
{
	struct session_key key;

	memset(&key, 0, sizeof(key));
	key.zone = zone;
	key.mac = *mac;
	return key;
}

struct session *sessions_find(const struct sessions *t, uint32_t zone, const struct mac *mac)
{
	const struct session_key key = make_key(zone, mac);
	struct session *s;

	HASH_FIND(hh, t->all, &key, sizeof(key), s);
	return s;
}

static struct session *sessions_add(struct sessions *t, uint32_t zone, const struct mac *mac,
				    uint64_t ends_ms)
{
	struct session *s = session_heap_reserve(&t->ends) ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->key = make_key(zone, mac);
	s->table = t;
	s->active_ms = now_boot_ms();
	s->ends_ms = ends_ms;
	session_heap_add(&t->ends, s);
	HASH_ADD(hh, t->all, key, sizeof(s->key), s);
	TAILQ_INSERT_TAIL(&t->lists[zone], s, of_zone);
	t->zones[zone].count++;
	return s;
}

struct session *sessions_put(struct sessions *t, uint32_t zone, const struct mac *mac,
			     uint64_t ends_ms)
{
	const struct session *first = session_heap_first(&t->ends);
	struct session *s = sessions_find(t, zone, mac);

	if (s) {
		s->ends_ms = ends_ms;
		session_heap_move(&t->ends, s);
	} else {
		s = sessions_add(t, zone, mac, ends_ms);
	}
	if (s && (s == first || session_heap_first(&t->ends) == s))
		wait_for_end(t);
	return s;
}

void sessions_remove(struct sessions *t, struct session *s)
{
	struct sessions_walk *w;

	LIST_FOREACH(w, &t->walks, entry)
	{
		if (w->next == s)
			w->next = TAILQ_NEXT(s, of_zone);
	}
	HASH_DEL(t->all, s);
	TAILQ_REMOVE(&t->lists[s->key.zone], s, of_zone);
	session_heap_remove(&t->ends, s); /* a timer that finds nothing to do waits for the next */
	t->zones[s->key.zone].count--;
	free(s);
}

void sessions_finish(struct sessions *t)
{
	struct session *s, *next;

	HASH_ITER (hh, t->all, s, next)
		sessions_remove(t, s);
	session_heap_finish(&t->ends);
	if (t->timer)
		event_free(t->timer);
	t->timer = NULL;
}

void sessions_walk_begin(struct sessions_walk *w, struct sessions *t, uint32_t zone, uint32_t end)
{
	*w = (struct sessions_walk){.table = t, .zone = zone, .end = end};
	LIST_INSERT_HEAD(&t->walks, w, entry);
}

struct session *sessions_walk_next(struct sessions_walk *w)
{
	for (; w->zone < w->end; w->zone++, w->begun = false) {
		struct session *s = w->begun ? w->next : TAILQ_FIRST(&w->table->lists[w->zone]);

		if (!s)
			continue;
		w->begun = true;
		w->next = TAILQ_NEXT(s, of_zone);
		return s;
	}
	return NULL;
}

void sessions_walk_back(struct sessions_walk *w, struct session *last)
{
	w->next = last;
}

void sessions_walk_end(struct sessions_walk *w)
{
	LIST_REMOVE(w, entry);
}

uint64_t session_left_ms(const struct session *s)
{
	const uint64_t now = now_boot_ms();

	return s->ends_ms > now ? s->ends_ms - now : 0;
}

uint64_t session_seconds_left(const struct session *s)
{
	return (session_left_ms(s) + 999) / 1000;
}

uint64_t session_used_ms(uint64_t length_ms, uint64_t left_ms, uint64_t started, uint64_t unix_s)
{
	if (!length_ms)
		return unix_s > started ? (unix_s - started) * 1000 : 0;
	return length_ms > left_ms ? length_ms - left_ms : 0;
}

uint64_t session_seconds_used(const struct session *s)
{
	return session_used_ms(s->length_ms, session_left_ms(s), s->started, now_unix()) / 1000;
}

void session_saw(struct session *s, const struct addr *addr)
{
	s->seen[addr->family == 6] = *addr;
}

const char *session_how_name(enum session_how how)
{
	return how_names[how];
}

/* A counter that is behind what it was began again. */
static uint64_t more(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

/* What the kernel counted before we came is none of ours. */
static void count_traffic(struct session *s, const struct counters *used)
{
	struct zone_traffic *z = &s->table->zones[s->key.zone];

	if (!s->found) {
		z->packets_up += more(used->packets_up, s->used.packets_up);
		z->bytes_up += more(used->bytes_up, s->used.bytes_up);
		z->packets_down += more(used->packets_down, s->used.packets_down);
		z->bytes_down += more(used->bytes_down, s->used.bytes_down);
	}
	s->found = false;
}

void session_count(struct session *s, const struct counters *used)
{
	if (used->absent)
		return;
	count_traffic(s, used);
	if (used->packets_up != s->used.packets_up)
		s->active_ms = now_boot_ms();
	s->used = *used;
}
