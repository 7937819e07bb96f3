/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sessions by their ends, the next one first: a binary heap, in which each knows its place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

struct session_heap {
	struct session **at;
	size_t count, room;
};

/* There is room for one more; false without memory. */
bool session_heap_reserve(struct session_heap *h);
/* After session_heap_reserve(). */
void session_heap_add(struct session_heap *h, struct session *s);
void session_heap_remove(struct session_heap *h, struct session *s);
/* Its end is another one. */
void session_heap_move(struct session_heap *h, struct session *s);
/* The one that ends first, or NULL. */
struct session *session_heap_first(const struct session_heap *h);
void session_heap_finish(struct session_heap *h);
