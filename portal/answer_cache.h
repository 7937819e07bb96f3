/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answers that queue mode has just given.  Devices of strangers ask for the same few addresses over and over (portal
 * detectors, apps), and an answer is the same for all guests of a zone and an address family for as long as its Date is
 * right: a second.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "portal/responder_answer.h"

enum {
	ANSWER_CACHE_SLOTS = 64,
	ANSWER_CACHE_WAYS = 4,	      /* slots that each request may stand in */
	ANSWER_CACHE_KEY_MAX = 256,   /* bytes of a request; a longer one is not kept */
	ANSWER_CACHE_TEXT_MAX = 2048, /* of an answer */
};

/* All zero: empty. */
struct answer_cache {
	time_t now;	   /* the second of all that is kept */
	unsigned int next; /* way that is given up when all are taken */
	struct answer_cache_slot {
		size_t key_len, len; /* key_len 0: empty */
		char key[ANSWER_CACHE_KEY_MAX], text[ANSWER_CACHE_TEXT_MAX];
	} slots[ANSWER_CACHE_SLOTS];
};

/* For when something else changes on which answers depend: the site, the gateway's addresses. */
void answer_cache_clear(struct answer_cache *c);

/* The length of the answer, copied to buf; 0: it is not here, or buf has no room. */
int answer_cache_get(struct answer_cache *c, const struct responder_request *req, time_t now,
		     char *buf, size_t size);
/* Keeps an answer that was made for the second of the last answer_cache_get(). */
void answer_cache_put(struct answer_cache *c, const struct responder_request *req,
		      const char *answer, size_t len);
