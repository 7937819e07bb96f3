/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "daemon/session.h"
#include "daemon/session_heap.h"

enum { ROOM_MIN = 256 };

bool session_heap_reserve(struct session_heap *h)
{
	const size_t room = h->room ? 2 * h->room : ROOM_MIN;

	if (h->count < h->room)
		return true;
	struct session **larger = reallocarray(h->at, room, sizeof(struct session *));

	if (!larger)
		return false;
	h->at = larger;
	h->room = room;
	return true;
}

static void put(struct session_heap *h, size_t place, struct session *s)
{
	h->at[place] = s;
	s->place = place;
}

static void rise(struct session_heap *h, struct session *s)
{
	while (s->place > 0) {
		const size_t above = (s->place - 1) / 2, place = s->place;

		if (h->at[above]->ends_ms <= s->ends_ms)
			return;
		put(h, place, h->at[above]);
		put(h, above, s);
	}
}

static void sink(struct session_heap *h, struct session *s)
{
	for (;;) {
		const size_t place = s->place;
		size_t below = 2 * place + 1;

		if (below + 1 < h->count && h->at[below + 1]->ends_ms < h->at[below]->ends_ms)
			below++;
		if (below >= h->count || h->at[below]->ends_ms >= s->ends_ms)
			return;
		put(h, place, h->at[below]);
		put(h, below, s);
	}
}

void session_heap_move(struct session_heap *h, struct session *s)
{
	rise(h, s);
	sink(h, s);
}

void session_heap_add(struct session_heap *h, struct session *s)
{
	put(h, h->count++, s);
	rise(h, s);
}

void session_heap_remove(struct session_heap *h, struct session *s)
{
	struct session *last = h->at[--h->count];

	if (last == s)
		return;
	put(h, s->place, last);
	session_heap_move(h, last);
}

struct session *session_heap_first(const struct session_heap *h)
{
	return h->count ? h->at[0] : NULL;
}

void session_heap_finish(struct session_heap *h)
{
	free(h->at);
	*h = (struct session_heap){0};
}
