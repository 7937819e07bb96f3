// SPDX-License-Identifier: GPL-2.0-or-later
/* A fixed number of slots, a free list, and a chained hash table over them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/table.h"

static struct conn **bucket(const struct table *t, uint32_t guest, uint8_t family, uint16_t port)
{
	uint64_t key = ((uint64_t)guest << 17 | (uint64_t)port << 1 | (family == 6)) + 1;

	return &t->buckets[(key * 0x9e3779b97f4a7c15u >> 32) & t->mask];
}

int table_init(struct table *t, size_t size, size_t buffer_len)
{
	size_t buckets = 1024;

	while (buckets < 2 * size)
		buckets *= 2;
	*t = (struct table){.size = size, .mask = buckets - 1, .buffer_len = buffer_len};
	t->conns = calloc(size, sizeof(*t->conns));
	t->buckets = calloc(buckets, sizeof(struct conn *));
	t->buffers = calloc(size, buffer_len);
	if (!t->conns || !t->buckets || !t->buffers) {
		table_finish(t);
		return -ENOMEM;
	}
	for (size_t i = size; i-- > 0;) {
		t->conns[i].next = t->free;
		t->free = &t->conns[i];
	}
	return 0;
}

void table_finish(struct table *t)
{
	free(t->conns);
	free(t->buckets);
	free(t->buffers);
	*t = (struct table){0};
}

struct conn *table_find(const struct table *t, uint32_t guest, uint8_t family, uint16_t port)
{
	struct conn *c = *bucket(t, guest, family, port);

	while (c && (c->guest != guest || c->local.port != port || c->local.family != family))
		c = c->next;
	return c;
}

struct conn *table_take(struct table *t)
{
	struct conn *c = t->free;

	if (!c)
		return NULL;
	t->free = c->next;
	t->used++;
	*c = (struct conn){0};
	response_init(&c->response, t->buffers + (size_t)(c - t->conns) * t->buffer_len,
		      t->buffer_len);
	return c;
}

void table_insert(struct table *t, struct conn *c)
{
	struct conn **head = bucket(t, c->guest, c->local.family, c->local.port);

	c->next = *head;
	*head = c;
}

void table_remove(struct table *t, struct conn *c)
{
	struct conn **p = bucket(t, c->guest, c->local.family, c->local.port);

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->state = CONN_FREE;
	c->next = t->free;
	t->free = c;
	t->used--;
}
