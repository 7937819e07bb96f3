/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DNS answer on its way to a stranger: which addresses of the zone's walled garden it tells.  A pure function over
 * foreign bytes: the resolver's, which it has from whoever answers for the name.  Nothing here changes an answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto_queue.h"

enum {
	DNS_RECORDS_MAX = 64, /* of an answer, that are looked at */
	DNS_CHAIN_MAX = 16,   /* CNAMEs that one name leads through */
};

struct dns_answer {
	uint64_t names; /* of the garden that were asked for (common/garden_name.h) */
	size_t count;
	struct garden_address found[GARDEN_ANSWER_MAX];
};

/* packet: from the IP header on, UDP or one TCP segment with one whole message, from port 53.  True: it answers the question
 * for a name in the garden, with at least one address; each has the shortest TTL on the way to it. */
bool dns_answer_read(const uint8_t *packet, size_t len, const struct garden *garden,
		     struct dns_answer *ret_answer);
