/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nft/set.c, which changes members, and nft/set_read.c share. */
#pragma once

#include <stdbool.h>

#include "nft/batch.h"
#include "nft/set.h"
#include "nft/set_expr.h"

enum {
	CHUNK = 100, /* elements in one message: its attribute holds 64 kB */
	NAME_MAX_LEN = 64,
	ETHER_HEADER = 14, /* the egress hook counts it, forward does not */
};

/* The sets that make a member. */
enum { SET_ASKED, SET_UP, SET_DOWN, SET_UP_RATE, SET_DOWN_RATE, SETS };

struct member_set {
	uint16_t family;
	const char *suffix;
};
extern const struct member_set member_sets[SETS];

/* What the kernel holds of one MAC. */
struct member {
	bool in[SETS];
	struct counted counted[SETS];
};

/* Is there such a set on this kernel? */
bool set_exists(const struct sets *sets, int set);

void set_name(char name[static NAME_MAX_LEN], const char *zone, const char *suffix);

/* Appends an element with this key; NULL without memory. */
struct nftnl_set_elem *set_add_key(struct nftnl_set *s, const void *key, uint32_t len);

/* From the sets [first, end). */
int set_read_members(struct sets *sets, const char *zone, int first, int end,
		     const struct mac *macs, size_t count, struct member *ret_members);
