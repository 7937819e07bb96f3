/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <string.h>

#include "common/text_buffer.h"
#include "portal/answer_cache.h"

/* What of a request the answer depends on. */
struct key {
	size_t len; /* 0: too long */
	char text[ANSWER_CACHE_KEY_MAX];
};

/* With its NUL: no two requests look alike. */
static void add_field(struct text_buffer *b, const char *field)
{
	text_add(b, field, strlen(field) + 1);
}

static void make_key(const struct responder_request *req, struct key *ret_key)
{
	const char place[] = {(char)req->zone, (char)req->family, req->host ? 1 : 0};
	struct text_buffer b = {ret_key->text, ret_key->text + sizeof(ret_key->text), false};

	text_add(&b, place, sizeof(place));
	add_field(&b, req->method);
	add_field(&b, req->target);
	add_field(&b, req->host ? req->host : "");
	ret_key->len = b.cut ? 0 : (size_t)(b.at - ret_key->text);
}

/* The first of the ways.  FNV-1a: who makes many requests meet has them answered anew each time, as without a cache. */
static struct answer_cache_slot *ways_of(struct answer_cache *c, const struct key *key)
{
	const uint32_t sets = ANSWER_CACHE_SLOTS / ANSWER_CACHE_WAYS;
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < key->len; i++)
		hash = (hash ^ (unsigned char)key->text[i]) * 16777619;
	return &c->slots[(size_t)((hash ^ hash >> 16) % sets) * ANSWER_CACHE_WAYS];
}

static struct answer_cache_slot *find_slot(struct answer_cache_slot *ways, const char *key,
					   size_t len)
{
	for (size_t i = 0; i < ANSWER_CACHE_WAYS; i++) {
		if (ways[i].key_len == len && memcmp(ways[i].key, key, len) == 0)
			return &ways[i];
	}
	return NULL;
}

/* Where it stands, else a free slot, else another one each time. */
static struct answer_cache_slot *slot_for(struct answer_cache *c, const struct key *key)
{
	struct answer_cache_slot *const ways = ways_of(c, key);
	struct answer_cache_slot *s = find_slot(ways, key->text, key->len);

	if (!s)
		s = find_slot(ways, "", 0);
	return s ? s : &ways[c->next++ % ANSWER_CACHE_WAYS];
}

void answer_cache_clear(struct answer_cache *c)
{
	for (size_t i = 0; i < ANSWER_CACHE_SLOTS; i++)
		c->slots[i].key_len = 0;
}

int answer_cache_get(struct answer_cache *c, const struct responder_request *req, time_t now,
		     char *buf, size_t size)
{
	struct key key;

	if (now != c->now)
		answer_cache_clear(c);
	c->now = now;
	make_key(req, &key);
	if (key.len == 0)
		return 0;
	const struct answer_cache_slot *s = find_slot(ways_of(c, &key), key.text, key.len);

	if (!s || s->len > size)
		return 0;
	memcpy(buf, s->text, s->len);
	return (int)s->len;
}

void answer_cache_put(struct answer_cache *c, const struct responder_request *req,
		      const char *answer, size_t len)
{
	struct key key;

	make_key(req, &key);
	if (key.len == 0 || len > sizeof(c->slots[0].text))
		return;
	struct answer_cache_slot *s = slot_for(c, &key);

	s->key_len = key.len;
	s->len = len;
	memcpy(s->key, key.text, key.len);
	memcpy(s->text, answer, len);
}
