/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "nft/batch.h"
#include "nft/set.h"
#include "nft/set_expr.h"

enum {
	BATCH_SIZE = 4 * 1024 * 1024, /* CHANGE_MAX replaced grants */
	CHUNK = 100,		      /* elements in one message: its attribute holds 64 kB */
	TRIES = 4,		      /* elements may expire between reading and changing */
	NAME_MAX_LEN = 64,
	ETHER_HEADER = 14, /* the egress hook counts it, forward does not */
};

/* The sets that make a member. */
enum { SET_ASKED, SET_UP, SET_DOWN, SET_UP_RATE, SET_DOWN_RATE, SETS };

static const struct {
	uint16_t family;
	const char *suffix;
} member_sets[SETS] = {
	[SET_ASKED] = {NFPROTO_INET, ""},
	[SET_UP] = {NFPROTO_INET, "_up"},
	[SET_DOWN] = {NFPROTO_NETDEV, "_down"},
	[SET_UP_RATE] = {NFPROTO_INET, "_up_rate"},
	[SET_DOWN_RATE] = {NFPROTO_NETDEV, "_down_rate"},
};

/* What the kernel holds of one MAC. */
struct member {
	bool in[SETS];
	struct counted counted[SETS];
};

static void set_name(char name[static NAME_MAX_LEN], const char *zone, const char *suffix)
{
	snprintf(name, NAME_MAX_LEN, "z_%s%s", zone, suffix);
}

int sets_init(struct sets *sets, struct netlink *nl)
{
	sets->nl = nl;
	sets->buf = malloc(BATCH_SIZE);
	return sets->buf ? 0 : -ENOMEM;
}

void sets_finish(struct sets *sets)
{
	free(sets->buf);
	sets->buf = NULL;
}

/* Appends an element with this key; NULL without memory. */
static struct nftnl_set_elem *add_key(struct nftnl_set *s, const void *key, uint32_t len)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (!elem)
		return NULL;
	if (nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, key, len) < 0) {
		nftnl_set_elem_free(elem);
		return NULL;
	}
	nftnl_set_elem_add(s, elem);
	return elem;
}

/* nft shows it as: comment "..." */
static int add_comment(struct nftnl_set_elem *elem, const char *comment)
{
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(COMMENT_MAX * 2);

	if (!udata)
		return -ENOMEM;
	if (nftnl_udata_put_strz(udata, NFTNL_UDATA_SET_ELEM_COMMENT, comment))
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(udata),
				   nftnl_udata_buf_len(udata));
	nftnl_udata_buf_free(udata);
	return 0;
}

struct taking {
	const struct mac *macs;
	size_t count, got;
	struct member *members;
	int set; /* which of member_sets */
};

/* Answers come in the order of the keys asked for. */
static int take_member(const struct nlmsghdr *nlh, void *data)
{
	CLEANUP(set_freep) struct nftnl_set *s = nftnl_set_alloc();
	struct taking *t = data;

	if (!s || nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
		return MNL_CB_OK;

	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(s);

	for (struct nftnl_set_elem *e; iter && (e = nftnl_set_elems_iter_next(iter));) {
		uint32_t len = 0;
		const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

		if (t->got >= t->count || len < MAC_LEN ||
		    memcmp(key, t->macs[t->got].b, MAC_LEN) != 0)
			continue;
		t->members[t->got].in[t->set] = true;
		element_take_counter(e, &t->members[t->got].counted[t->set]);
		t->got++;
	}
	if (iter)
		nftnl_set_elems_iter_destroy(iter);
	return MNL_CB_OK;
}

/* Asks one set for up to CHUNK keys.  The kernel stops at the first key that it does not have. */
static int read_chunk(struct sets *sets, const struct set_id *id, struct taking *t)
{
	while (t->got < t->count) {
		CLEANUP(set_freep) struct nftnl_set *s = set_alloc(id);
		size_t ask = t->count - t->got < CHUNK ? t->count - t->got : CHUNK;

		if (!s)
			return -ENOMEM;
		for (size_t i = 0; i < ask; i++) {
			if (!add_key(s, t->macs[t->got + i].b, MAC_LEN))
				return -ENOMEM;
		}
		size_t len = get_elements_request(sets->nl, sets->buf, id, 0, s);
		size_t before = t->got;
		int r = netlink_talk(sets->nl, sets->buf, len, sets->nl->seq, take_member, t);

		if (r == -ENOENT)
			t->got++; /* this one is absent */
		else if (r < 0)
			return r;
		else if (t->got != before + ask)
			return -EPROTO;
	}
	return 0;
}

/* From the sets [first, end). */
static int read_members(struct sets *sets, const char *zone, int first, int end,
			const struct mac *macs, size_t count, struct member *ret_members)
{
	char name[NAME_MAX_LEN];

	memset(ret_members, 0, count * sizeof(*ret_members));
	for (int set = first; set < end; set++) {
		struct taking t = {
			.macs = macs, .count = count, .members = ret_members, .set = set};

		set_name(name, zone, member_sets[set].suffix);
		int r = read_chunk(sets, &(struct set_id){member_sets[set].family, name}, &t);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A change of many members of one zone. */
struct member_change {
	const char *zone;
	const struct change *change;
	const struct change_element *elements;
	size_t count;
	bool grant;		      /* else revoke */
	const struct member *members; /* NULL: as if none (grant) or all (revoke) were there */
};

/* Does a member with these limits stand in this set? */
static bool is_used(const struct limits *l, int set)
{
	return set < SET_UP_RATE || (set == SET_UP_RATE ? l->rate_up : l->rate_down) != 0;
}

static bool is_there(const struct member_change *c, size_t i, int set)
{
	if (c->members)
		return c->members[i].in[set];
	return !c->grant && is_used(&c->change->limits, set);
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
			if (!add_key(s, c->elements[i].mac.b, MAC_LEN))
				return -ENOMEM;
		}
		batch_elements(b, id, NFT_MSG_DELSETELEM, 0, s);
	}
	return 0;
}

/* What the element of one set starts with. */
static struct counted counted_before(const struct member_change *c, size_t i, int set)
{
	const struct counters *used = &c->change->used;

	if (c->members && c->members[i].in[set])
		return c->members[i].counted[set];
	if (set == SET_UP)
		return (struct counted){.packets = used->packets_up, .bytes = used->bytes_up};
	return (struct counted){.packets = used->packets_down,
				.bytes = used->bytes_down + used->packets_down * ETHER_HEADER};
}

static int add_member(struct nftnl_set *s, const struct member_change *c, size_t i, int set)
{
	const struct limits *l = &c->change->limits;
	struct nftnl_set_elem *e = add_key(s, c->elements[i].mac.b, MAC_LEN);
	const struct counted used = counted_before(c, i, set);

	if (!e)
		return -ENOMEM;
	if (c->elements[i].timeout_ms)
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, c->elements[i].timeout_ms);
	switch (set) {
	case SET_ASKED:
		return add_comment(e, c->change->comment);
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
			int r = add_member(s, c, i, set);

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

	batch_begin(&b, sets->nl, sets->buf, BATCH_SIZE);
	size_t empty = b.len;

	for (int set = 0; set < SETS; set++) {
		struct set_id id = {member_sets[set].family, name};

		set_name(name, c->zone, member_sets[set].suffix);
		int r = delete_members(&b, c, &id, set);

		if (r == 0 && c->grant && is_used(&c->change->limits, set))
			r = add_members(&b, c, &id, set);
		if (r < 0)
			return r;
	}
	if (b.len == empty)
		return 0;
	return batch_commit(&b);
}

/* First as if all were new (a grant) or there (a revoke), which is nearly always so; if the kernel
 * knows better, again with what it holds. */
static int change_members(struct sets *sets, struct member_change c)
{
	CLEANUP(cleanup_free) struct member *members = NULL;
	CLEANUP(cleanup_free) struct mac *macs = NULL;
	int r = change_once(sets, &c);

	for (int i = 1; i < TRIES && (r == -EEXIST || r == -ENOENT); i++) {
		if (!members) {
			members = calloc(c.count, sizeof(*members));
			macs = calloc(c.count, sizeof(*macs));
			if (!members || !macs)
				return -ENOMEM;
			for (size_t k = 0; k < c.count; k++)
				macs[k] = c.elements[k].mac;
		}
		r = read_members(sets, c.zone, 0, SETS, macs, c.count, members);
		if (r < 0)
			return r;
		c.members = members;
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
							   .grant = true});
}

int set_revoke(struct sets *sets, const char *zone, const struct change *change,
	       const struct change_element *elements)
{
	return change_members(sets, (struct member_change){.zone = zone,
							   .change = change,
							   .elements = elements,
							   .count = change->count});
}

int set_read(struct sets *sets, const char *zone, const struct mac *macs, size_t count,
	     struct counters *ret_counters)
{
	CLEANUP(cleanup_free) struct member *members = calloc(count ? count : 1, sizeof(*members));

	if (!members)
		return -ENOMEM;
	int r = read_members(sets, zone, SET_UP, SET_DOWN + 1, macs, count, members);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		const struct counted *up = &members[i].counted[SET_UP];
		const struct counted *down = &members[i].counted[SET_DOWN];

		ret_counters[i] = (struct counters){
			.packets_up = up->packets,
			.bytes_up = up->bytes,
			.packets_down = down->packets,
			.bytes_down = down->bytes - down->packets * ETHER_HEADER,
			.over = (up->over ? OVER_UP : 0) | (down->over ? OVER_DOWN : 0),
		};
	}
	return 0;
}
