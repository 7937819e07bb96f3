/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first sequence number of a connection that nobody remembers (RFC 4987, 3.6): what the
 * responder must know again later is in it, and a keyed hash that only we can make.
 *
 *	number = mask + (check 11 | slot 6 | class 2 | 0 13)      bits, highest first
 *
 * mask and check are SipHash-2-4 over the guest's MAC, both addresses and ports and the zone; check
 * covers slot and class as well.  The mask makes numbers of different connections independent (RFC
 * 6528).  The low 13 bits leave room for what the guest acknowledges of an answer.
 *
 * Eleven bits of proof are few, and enough: who forges acknowledgements blindly hits once in 2048
 * tries of at least 58 bytes, so it spends more than ten times what the largest answer has; and the
 * answer goes to the MAC that asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	COOKIE_KEY_LEN = 16,
	COOKIE_CLASSES = 4,
	COOKIE_SLOT = 2,		  /* seconds */
	COOKIE_SLOTS = 64,		  /* that a number is good for */
	COOKIE_ACKED_MAX = (1 << 13) - 1, /* bytes of an answer, with its FIN */
};

/* Keys in use; a number of an earlier slot than `since` was made with the previous one. */
struct cookie_keys {
	uint8_t current[COOKIE_KEY_LEN], previous[COOKIE_KEY_LEN];
	uint64_t since;
};

/* Whose connection it is; src with port is the guest. */
struct cookie_flow {
	const struct mac *mac;
	const struct addr *src, *dst;
	uint32_t zone;
};

struct cookie {
	unsigned int class;
	unsigned int age; /* in slots */
	uint32_t acked;	  /* bytes behind the first number that the guest acknowledges */
};

/* now: seconds of a clock that is never set back, here and below.  key: random. */
void cookie_init(struct cookie_keys *keys, const uint8_t key[static COOKIE_KEY_LEN], uint64_t now);
/* Afterwards numbers are made with this key, and
 * those of the last one are still good: call it at most once in COOKIE_SLOTS * COOKIE_SLOT seconds. */
void cookie_rotate(struct cookie_keys *keys, const uint8_t key[static COOKIE_KEY_LEN],
		   uint64_t now);

uint32_t cookie_make(const struct cookie_keys *keys, const struct cookie_flow *flow,
		     unsigned int class, uint64_t now);
/* ack: the guest's acknowledgement number.  false: not of a connection that we answered. */
bool cookie_check(const struct cookie_keys *keys, const struct cookie_flow *flow, uint32_t ack,
		  uint64_t now, struct cookie *ret_cookie);
