/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "nft/batch.h"
#include "nft/set_expr.h"
#include "nft/set_private.h"

enum {
	TRIES = 4, /* elements may expire between reading and changing */
};

int sets_init(struct sets *sets, struct netlink *nl)
{
	sets->nl = nl;
	sets->buf = malloc(SETS_BUFFER);
	return sets->buf ? 0 : -ENOMEM;
}

void sets_finish(struct sets *sets)
{
	free(sets->buf);
	sets->buf = NULL;
}

/* A change of many members of one zone, which are to become alike, or to be what they were. */
struct member_change {
	const char *zone;
	const struct change *change; /* and elements, or one of the next two: */
	const struct change_element *elements;
	const struct lost_member *lost;
	const struct holding *each;
	size_t count;
	bool grant;		      /* else revoke */
	bool alter;		      /* a grant, but of members alone */
	uint64_t now_ms;	      /* CLOCK_BOOTTIME */
	const struct member *members; /* NULL: as if none (grant) or all (revoke) were there */
};

/* NULL: they become alike. */
static const struct lost_member *lost_of(const struct member_change *c, size_t i)
{
	return c->each ? &c->each[i].is : c->lost ? &c->lost[i] : NULL;
}

static const struct mac *mac_of(const struct member_change *c, size_t i)
{
	const struct lost_member *lost = lost_of(c, i);

	return lost ? &lost->mac : &c->elements[i].mac;
}

static const struct limits *limits_of(const struct member_change *c, size_t i)
{
	const struct lost_member *lost = lost_of(c, i);

	return lost ? &lost->limits : &c->change->limits;
}

/* 0: without an end. */
static uint64_t timeout_of(const struct member_change *c, size_t i)
{
	const struct lost_member *lost = lost_of(c, i);
	assert(lost || c->elements);

	const uint64_t ends_ms = lost ? lost->ends_ms : c->elements[i].ends_ms;

	if (ends_ms == 0)
		return 0;
	return ends_ms > c->now_ms ? ends_ms - c->now_ms : 1;
}

/* Does a member with these limits stand in this set? */
static bool is_used(const struct limits *l, int set)
{
	return set < SET_UP_RATE || (set == SET_UP_RATE ? l->rate_up : l->rate_down) != 0;
}

static bool is_there(const struct member_change *c, size_t i, int set)
{
	if (c->members)
		return c->members[i].in[set];
	return !c->grant && is_used(limits_of(c, i), set);
}

/* Deletes from one set what is there. */
static int delete_members(struct batch *b, const struct member_change *c, const struct set_id *id,
			  int set)
{
	for (size_t first = 0; first < c->count; first += CHUNK) {
		CLEANUP(set_freep) struct nftnl_set *s = set_alloc(id);

		if (!s)
			return -ENOMEM;
		for (size_t i = first; i < c->count && i < first + CHUNK; i++) {
			if (!is_there(c, i, set))
				continue;
			if (!set_add_key(s, mac_of(c, i)->b, MAC_LEN))
				return -ENOMEM;
		}
		batch_elements(b, id, NFT_MSG_DELSETELEM, 0, s);
	}
	return 0;
}

/* What the element of one set starts with.  A quota that is used up stays so, unless it is another. */
static struct counted counted_before(const struct member_change *c, size_t i, int set)
{
	const struct limits *l = limits_of(c, i);
	const uint64_t quota = set == SET_UP ? l->quota_up : l->quota_down;
	static const struct counters nothing;
	const struct lost_member *lost = lost_of(c, i);
	const struct counters *used = lost ? &lost->used : &nothing;

	if (c->members && c->members[i].in[set]) {
		struct counted counted = c->members[i].counted[set];

		counted.over = counted.over && counted.quota == quota;
		return counted;
	}
	if (set == SET_UP)
		return (struct counted){.packets = used->packets_up,
					.bytes = used->bytes_up,
					.over = used->over & OVER_UP};
	return (struct counted){.packets = used->packets_down,
				.bytes = used->bytes_down + used->packets_down * ETHER_HEADER,
				.over = used->over & OVER_DOWN};
}

static int add_member(struct nftnl_set *s, const struct member_change *c, size_t i, int set)
{
	const struct limits *l = limits_of(c, i);
	const struct lost_member *lost = lost_of(c, i);
	const uint64_t timeout_ms = timeout_of(c, i);
	struct nftnl_set_elem *e = set_add_key(s, mac_of(c, i)->b, MAC_LEN);
	const struct counted used = counted_before(c, i, set);

	if (!e)
		return -ENOMEM;
	if (timeout_ms)
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, timeout_ms);
	switch (set) {
	case SET_ASKED:
		return element_add_comment(e, lost ? lost->comment : c->change->comment);
	case SET_UP:
		return element_add_counter(e, l->quota_up, &used);
	case SET_DOWN:
		return element_add_counter(e, l->quota_down, &used);
	case SET_UP_RATE:
		return element_add_rate(e, l->rate_up);
	default:
		return element_add_rate(e, l->rate_down);
	}
}

static int add_members(struct batch *b, const struct member_change *c, const struct set_id *id,
		       int set)
{
	for (size_t first = 0; first < c->count; first += CHUNK) {
		CLEANUP(set_freep) struct nftnl_set *s = set_alloc(id);

		if (!s)
			return -ENOMEM;
		for (size_t i = first; i < c->count && i < first + CHUNK; i++) {
			int r = is_used(limits_of(c, i), set) ? add_member(s, c, i, set) : 0;

			if (r < 0)
				return r;
		}
		batch_elements(b, id, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, s);
	}
	return 0;
}

static int change_once(struct sets *sets, const struct member_change *c)
{
	char name[NAME_MAX_LEN];
	struct batch b;

	batch_begin(&b, sets->nl, sets->buf, SETS_BUFFER);
	size_t empty = b.len;

	for (int set = 0; set < SETS; set++) {
		if (!set_exists(sets, set))
			continue;
		struct set_id id = {member_sets[set].family, name};

		set_name(name, c->zone, member_sets[set].suffix);
		int r = delete_members(&b, c, &id, set);

		if (r == 0 && c->grant)
			r = add_members(&b, c, &id, set);
		if (r < 0)
			return r;
	}
	if (b.len == empty)
		return 0;
	return batch_commit(&b);
}

/* In each set: one that is about to end may be gone from some already, with what it had used. */
static bool are_members(const struct sets *sets, const struct member_change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		for (int set = SET_ASKED; set <= SET_DOWN; set++) {
			if (set_exists(sets, set) && !c->members[i].in[set])
				return false;
		}
	}
	return true;
}

/* First as if all were new (a grant) or there (a revoke), which is nearly always so; if the kernel
 * knows better, again with what it holds.  What is altered is never new: it is deleted in the same transaction,
 * which fails if the kernel has ended it meanwhile. */
static int change_members(struct sets *sets, struct member_change c)
{
	CLEANUP(cleanup_free) struct member *members = NULL;
	CLEANUP(cleanup_free) struct mac *macs = NULL;
	c.now_ms = now_boot_ms();
	int r = c.alter ? -EEXIST : change_once(sets, &c);

	for (int i = 1; i < TRIES && (r == -EEXIST || r == -ENOENT); i++) {
		if (!members) {
			members = calloc(c.count, sizeof(*members));
			macs = calloc(c.count, sizeof(*macs));
			if (!members || !macs)
				return -ENOMEM;
			for (size_t k = 0; k < c.count; k++)
				macs[k] = *mac_of(&c, k);
		}
		r = set_read_members(sets, c.zone, 0, SETS, macs, c.count, members);
		if (r < 0)
			return r;
		c.members = members;
		if (c.alter && !are_members(sets, &c))
			return -ESRCH;
		r = change_once(sets, &c);
	}
	return r;
}

int set_grant(struct sets *sets, const char *zone, const struct change *change,
	      const struct change_element *elements)
{
	return change_members(sets, (struct member_change){.zone = zone,
							   .change = change,
							   .elements = elements,
							   .count = change->count,
							   .grant = true,
							   .alter = change->op == CHANGE_ALTER});
}

int set_revoke(struct sets *sets, const char *zone, const struct change *change,
	       const struct change_element *elements, struct counters *ret_counters)
{
	struct mac macs[CHANGE_MAX];

	for (size_t i = 0; i < change->count; i++)
		macs[i] = elements[i].mac;
	if (set_read(sets, zone, macs, change->count, ret_counters) < 0) {
		for (size_t i = 0; i < change->count; i++)
			ret_counters[i] = (struct counters){.absent = 1};
	}
	return change_members(sets, (struct member_change){.zone = zone,
							   .change = change,
							   .elements = elements,
							   .count = change->count});
}

int set_restore(struct sets *sets, const char *zone, const struct lost_member *lost, size_t count)
{
	return change_members(
		sets,
		(struct member_change){.zone = zone, .lost = lost, .count = count, .grant = true});
}

int set_put_holdings(struct sets *sets, const char *zone, const struct holding *holdings,
		     size_t count)
{
	int r = 0;

	for (size_t first = 0; first < count && r == 0; first += CHANGE_MAX) {
		const size_t left = count - first;

		r = change_once(sets, &(struct member_change){
					      .zone = zone,
					      .count = left < CHANGE_MAX ? left : CHANGE_MAX,
					      .grant = true,
					      .now_ms = now_boot_ms(),
					      .each = holdings + first});
	}
	return r;
}
