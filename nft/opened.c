/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nft/opened.h"

uint64_t opened_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool opened_same(const struct opened_address *a, const struct opened_address *b)
{
	return a->protocol == b->protocol && a->port == b->port && addr_equal(&a->addr, &b->addr);
}

static void drop_ended(struct opened *o, uint64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->count; i++) {
		if (o->each[i].end > now)
			o->each[kept++] = o->each[i];
	}
	o->count = kept;
}

static int append(struct opened *o, const struct opened_address *a)
{
	if (o->count == o->room) {
		const size_t room = o->room ? 2 * o->room : 16;
		void *each = realloc(o->each, room * sizeof(*o->each));

		if (!each)
			return -ENOMEM;
		o->each = each;
		o->room = room;
	}
	o->each[o->count++] = *a;
	return 0;
}

int opened_note(struct opened *o, const struct garden *garden, size_t name, const struct addr *addr,
		uint64_t end, uint64_t now)
{
	const struct opened_address wanted = {.addr = *addr,
					      .port = garden->names[name].port,
					      .protocol = garden->names[name].protocol,
					      .name = (uint8_t)name,
					      .end = end};
	struct opened_address *own = NULL;
	uint64_t latest = 0; /* end of the kernel's element */
	size_t share = 0;

	drop_ended(o, now);
	for (size_t i = 0; i < o->count; i++) {
		struct opened_address *a = &o->each[i];

		share += a->name == name;
		if (!opened_same(a, &wanted))
			continue;
		latest = a->end > latest ? a->end : latest;
		own = a->name == name ? a : own;
	}
	if (!own && share >= OPENED_SHARE)
		return -ENOSPC;
	if (!own) {
		int r = append(o, &wanted);

		if (r < 0)
			return r;
	} else if (own->end < end) {
		own->end = end;
	}
	return end > latest;
}

void opened_follow(struct opened *o, const struct garden *old, const struct garden *fresh)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->count; i++) {
		struct opened_address a = o->each[i];
		size_t n = 0;

		while (n < fresh->name_count &&
		       memcmp(&fresh->names[n], &old->names[a.name], sizeof(fresh->names[n])) != 0)
			n++;
		if (n == fresh->name_count)
			continue;
		a.name = (uint8_t)n;
		o->each[kept++] = a;
	}
	o->count = kept;
}

void opened_clear(struct opened *o)
{
	free(o->each);
	*o = (struct opened){0};
}

/* By element; the latest end first. */
static int compare(const void *left, const void *right)
{
	const struct opened_address *a = left, *b = right;
	int r = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	if (r == 0)
		r = a->protocol - b->protocol;
	if (r == 0)
		r = a->port - b->port;
	return r ? r : (a->end < b->end) - (a->end > b->end);
}

void opened_sort(struct opened *o, uint64_t now)
{
	drop_ended(o, now);
	if (o->count > 1)
		qsort(o->each, o->count, sizeof(*o->each), compare);
}

bool opened_is_first(const struct opened *o, size_t i)
{
	return i == 0 || !opened_same(&o->each[i], &o->each[i - 1]);
}
