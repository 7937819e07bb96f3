/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a set element carries: a quota and a counter in the sets that count, a rate in those that
 * hold back.  The kernel runs them each time that a lookup finds the element, in their order, and
 * the element does not match once one of them says no.  A comment is for us to read back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libnftnl/set.h>

#include "common/proto.h"

/* As the kernel counts: from the IP header on, at the egress hook from the Ethernet header on. */
struct counted {
	uint64_t packets, bytes;
	bool over;	/* there is a quota, and it is used up */
	uint64_t quota; /* bytes; 0: none */
	uint64_t rate;	/* bits a second; 0: none */
};

/* A counter that starts with these figures; quota: bytes, of which those are used, or all if it is
 * over; 0: none. */
int element_add_counter(struct nftnl_set_elem *elem, uint64_t quota, const struct counted *used);

/* Matches what exceeds rate bits a second. */
int element_add_rate(struct nftnl_set_elem *elem, uint64_t rate);

/* All of it, in whatever order and whatever else there is. */
void element_take(const struct nftnl_set_elem *elem, struct counted *ret_counted);

/* Calls fn for each element in a message of a dump; for a callback of netlink_dump() and netlink_talk().  MNL_CB_ERROR: out of
 * memory. */
typedef void element_fn(struct nftnl_set_elem *elem, void *data);
int elements_each(const struct nlmsghdr *nlh, element_fn *fn, void *data);

/* nft shows it as: comment "...". */
int element_add_comment(struct nftnl_set_elem *elem, const char *comment);
/* "" if it has none. */
void element_comment(struct nftnl_set_elem *elem, char ret_comment[static COMMENT_MAX]);
