/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include <sodium.h>

#include "portal/cookie.h"

enum { CLASS_SHIFT = 13, SLOT_SHIFT = 15, CHECK_SHIFT = 21, CHECK_BITS = 11 };

_Static_assert(COOKIE_KEY_LEN == crypto_shorthash_KEYBYTES, "SipHash-2-4's key");
_Static_assert(COOKIE_CLASSES == 1 << (SLOT_SHIFT - CLASS_SHIFT), "room for the class");
_Static_assert(COOKIE_SLOTS == 1 << (CHECK_SHIFT - SLOT_SHIFT), "room for the slot");
_Static_assert(COOKIE_ACKED_MAX == (1 << CLASS_SHIFT) - 1, "room for the answer");

/* What is hashed: no hidden padding. */
struct flow_bytes {
	uint8_t src[16], dst[16], mac[MAC_LEN];
	uint16_t src_port, dst_port;
	uint8_t family, pad;
	uint32_t zone;
};

struct check_bytes {
	uint64_t flow, slot, class;
};

_Static_assert(sizeof(struct flow_bytes) == 48 && sizeof(struct check_bytes) == 24, "no padding");

static uint64_t hash(const uint8_t *key, const void *data, size_t len)
{
	uint64_t result;

	crypto_shorthash((unsigned char *)&result, data, len, key);
	return result;
}

static uint64_t hash_flow(const uint8_t *key, const struct cookie_flow *flow)
{
	struct flow_bytes bytes = {
		.src_port = flow->src->port,
		.dst_port = flow->dst->port,
		.family = flow->src->family,
		.zone = flow->zone,
	};

	memcpy(bytes.src, flow->src->b, sizeof(bytes.src));
	memcpy(bytes.dst, flow->dst->b, sizeof(bytes.dst));
	memcpy(bytes.mac, flow->mac->b, sizeof(bytes.mac));
	return hash(key, &bytes, sizeof(bytes));
}

static uint32_t hash_check(const uint8_t *key, uint64_t flow, uint64_t slot, unsigned int class)
{
	const struct check_bytes bytes = {flow, slot, class};

	return (uint32_t)(hash(key, &bytes, sizeof(bytes)) & ((1 << CHECK_BITS) - 1));
}

void cookie_init(struct cookie_keys *keys, const uint8_t key[static COOKIE_KEY_LEN], uint64_t now)
{
	memcpy(keys->current, key, COOKIE_KEY_LEN);
	cookie_rotate(keys, key, now);
}

void cookie_rotate(struct cookie_keys *keys, const uint8_t key[static COOKIE_KEY_LEN], uint64_t now)
{
	memcpy(keys->previous, keys->current, COOKIE_KEY_LEN);
	memcpy(keys->current, key, COOKIE_KEY_LEN);
	keys->since = now / COOKIE_SLOT;
}

uint32_t cookie_make(const struct cookie_keys *keys, const struct cookie_flow *flow,
		     unsigned int class, uint64_t now)
{
	const uint64_t slot = now / COOKIE_SLOT, mask = hash_flow(keys->current, flow);
	const uint32_t check = hash_check(keys->current, mask, slot, class);

	return (uint32_t)mask + (check << CHECK_SHIFT |
				 (uint32_t)(slot % COOKIE_SLOTS) << SLOT_SHIFT |
				 class << CLASS_SHIFT);
}

static bool check_with(const uint8_t *key, const struct cookie_flow *flow, uint32_t number,
		       uint64_t slot_now, struct cookie *ret_cookie)
{
	const uint64_t mask = hash_flow(key, flow);
	const uint32_t rest = number - (uint32_t)mask;
	const struct cookie c = {
		.class = rest >> CLASS_SHIFT & (COOKIE_CLASSES - 1),
		.age = (unsigned int)((slot_now - (rest >> SLOT_SHIFT)) % COOKIE_SLOTS),
		.acked = rest & COOKIE_ACKED_MAX,
	};

	if (hash_check(key, mask, slot_now - c.age, c.class) != rest >> CHECK_SHIFT)
		return false;
	*ret_cookie = c;
	return true;
}

bool cookie_check(const struct cookie_keys *keys, const struct cookie_flow *flow, uint32_t ack,
		  uint64_t now, struct cookie *ret_cookie)
{
	const uint64_t slot = now / COOKIE_SLOT;
	struct cookie c;

	if (!(check_with(keys->current, flow, ack - 1, slot, &c) && slot - c.age >= keys->since) &&
	    !(slot < keys->since + COOKIE_SLOTS &&
	      check_with(keys->previous, flow, ack - 1, slot, &c) && slot - c.age <= keys->since))
		return false;
	*ret_cookie = c;
	return true;
}
