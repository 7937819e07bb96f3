/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/session.h"

/* The kernel's end comes first: it counts in ticks, from when it was asked. */
enum { AFTER_KERNEL_MS = 100 };

static const char *const how_names[] = {[HOW_LOGIN] = "login", [HOW_GRANT] = "grant"};

uint64_t now_boot_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t now_unix(void)
{
	return (uint64_t)time(NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct session *s = data;

	(void)fd;
	(void)what;
	s->table->expired(s->table->data, s);
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

static struct session *sessions_add(struct sessions *t, uint32_t zone, const struct mac *mac)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->key = make_key(zone, mac);
	s->table = t;
	s->timer = evtimer_new(t->base, on_timer, s);
	if (!s->timer) {
		free(s);
		return NULL;
	}
	s->active_ms = now_boot_ms();
	HASH_ADD(hh, t->all, key, sizeof(s->key), s);
	t->zones[zone].count++;
	return s;
}

struct session *sessions_put(struct sessions *t, uint32_t zone, const struct mac *mac,
			     uint64_t left_ms)
{
	struct session *s = sessions_find(t, zone, mac);
	const uint64_t wait_ms = left_ms + AFTER_KERNEL_MS;
	struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000),
			       .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};

	if (!s)
		s = sessions_add(t, zone, mac);
	if (!s)
		return NULL;
	s->ends_ms = now_boot_ms() + left_ms;
	evtimer_add(s->timer, &wait);
	return s;
}

void sessions_remove(struct sessions *t, struct session *s)
{
	HASH_DEL(t->all, s);
	t->zones[s->key.zone].count--;
	event_free(s->timer);
	free(s);
}

void sessions_finish(struct sessions *t)
{
	struct session *s, *next;

	HASH_ITER (hh, t->all, s, next)
		sessions_remove(t, s);
}

uint64_t session_seconds_left(const struct session *s)
{
	uint64_t now = now_boot_ms();

	return s->ends_ms > now ? (s->ends_ms - now + 999) / 1000 : 0;
}

uint64_t session_seconds_used(const struct session *s)
{
	uint64_t now = now_unix();

	return now > s->started ? now - s->started : 0;
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
	count_traffic(s, used);
	if (used->packets_up != s->used.packets_up)
		s->active_ms = now_boot_ms();
	s->used = *used;
}
