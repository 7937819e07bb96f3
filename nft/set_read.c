/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads members by their keys, which takes as long for each however many there are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "nft/set_private.h"

const struct member_set member_sets[SETS] = {
	[SET_ASKED] = {NFPROTO_INET, ""},
	[SET_UP] = {NFPROTO_INET, "_up"},
	[SET_DOWN] = {NFPROTO_NETDEV, "_down"},
	[SET_UP_RATE] = {NFPROTO_INET, "_up_rate"},
	[SET_DOWN_RATE] = {NFPROTO_NETDEV, "_down_rate"},
};

bool set_exists(const struct sets *sets, int set)
{
	return sets->egress || member_sets[set].family != NFPROTO_NETDEV;
}

void set_name(char name[static NAME_MAX_LEN], const char *zone, const char *suffix)
{
	snprintf(name, NAME_MAX_LEN, "z_%s%s", zone, suffix);
}

struct nftnl_set_elem *set_add_key(struct nftnl_set *s, const void *key, uint32_t len)
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

struct taking {
	const struct mac *macs;
	size_t count, got;
	struct member *members;
	int set; /* which of member_sets */
};

/* Answers come in the order of the keys asked for. */
static void take_element(struct nftnl_set_elem *e, void *data)
{
	struct taking *t = data;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (t->got >= t->count || len < MAC_LEN || memcmp(key, t->macs[t->got].b, MAC_LEN) != 0)
		return;
	t->members[t->got].in[t->set] = true;
	element_take(e, &t->members[t->got].counted[t->set]);
	t->got++;
}

static int take_member(const struct nlmsghdr *nlh, void *data)
{
	return elements_each(nlh, take_element, data);
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
			if (!set_add_key(s, t->macs[t->got + i].b, MAC_LEN))
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

int set_read_members(struct sets *sets, const char *zone, int first, int end,
		     const struct mac *macs, size_t count, struct member *ret_members)
{
	char name[NAME_MAX_LEN];

	memset(ret_members, 0, count * sizeof(*ret_members));
	for (int set = first; set < end; set++) {
		if (!set_exists(sets, set))
			continue;
		struct taking t = {
			.macs = macs, .count = count, .members = ret_members, .set = set};

		set_name(name, zone, member_sets[set].suffix);
		int r = read_chunk(sets, &(struct set_id){member_sets[set].family, name}, &t);

		if (r < 0)
			return r;
	}
	return 0;
}

static struct counters counters_of(const struct member *m)
{
	const struct counted *up = &m->counted[SET_UP], *down = &m->counted[SET_DOWN];

	return (struct counters){
		.packets_up = up->packets,
		.bytes_up = up->bytes,
		.packets_down = down->packets,
		.bytes_down = down->bytes - down->packets * ETHER_HEADER,
		.over = (up->over ? OVER_UP : 0) | (down->over ? OVER_DOWN : 0),
	};
}

/* Who is in one set and not in the other was not: somebody flushed the ruleset between the two readings. */
static bool is_whole(const struct sets *sets, const struct member *m)
{
	return m->in[SET_UP] && (m->in[SET_DOWN] || !set_exists(sets, SET_DOWN));
}

int set_read(struct sets *sets, const char *zone, const struct mac *macs, size_t count,
	     struct counters *ret_counters)
{
	CLEANUP(cleanup_free) struct member *members = calloc(count ? count : 1, sizeof(*members));

	if (!members)
		return -ENOMEM;
	int r = set_read_members(sets, zone, SET_UP, SET_DOWN + 1, macs, count, members);

	for (size_t i = 0; i < count && r == 0; i++)
		ret_counters[i] = is_whole(sets, &members[i]) ? counters_of(&members[i])
							      : (struct counters){.absent = 1};
	return r;
}

struct rates {
	struct holding *by_mac;
	int set;
};

static void take_rate(struct nftnl_set_elem *e, void *data)
{
	const struct rates *rates = data;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);
	struct holding *found = NULL;
	struct counted counted;

	if (!key || len < MAC_LEN)
		return;
	HASH_FIND(hh, rates->by_mac, key, MAC_LEN, found);
	if (!found)
		return;
	element_take(e, &counted);
	if (rates->set == SET_UP_RATE)
		found->is.limits.rate_up = counted.rate;
	else
		found->is.limits.rate_down = counted.rate;
}

static int take_rates(const struct nlmsghdr *nlh, void *data)
{
	return elements_each(nlh, take_rate, data);
}

/* By a dump: few have a rate, and a key that is not there costs a request of its own. */
static int read_rates(struct sets *sets, const char *zone, struct rates *rates)
{
	char name[NAME_MAX_LEN];
	int r;

	if (!set_exists(sets, rates->set))
		return 0;
	set_name(name, zone, member_sets[rates->set].suffix);
	const struct set_id id = {member_sets[rates->set].family, name};
	CLEANUP(set_freep) struct nftnl_set *s = set_alloc(&id);

	if (!s)
		return -ENOMEM;
	do {
		get_elements_request(sets->nl, sets->buf, &id, NLM_F_DUMP, s);
		r = netlink_dump(sets->nl, (void *)sets->buf, take_rates, rates);
	} while (r == -EINTR);
	return r == -ENOENT ? 0 : r;
}

int set_read_holdings(struct sets *sets, const char *zone, struct holding *holdings, size_t count)
{
	CLEANUP(cleanup_free) struct member *members = calloc(count + 1, sizeof(*members));
	CLEANUP(cleanup_free) struct mac *macs = calloc(count + 1, sizeof(*macs));
	struct rates rates = {0};

	if (!members || !macs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		macs[i] = holdings[i].is.mac;
	int r = set_read_members(sets, zone, SET_UP, SET_DOWN + 1, macs, count, members);

	for (size_t i = 0; i < count && r == 0; i++) {
		const struct counted *c = members[i].counted;

		holdings[i].is.used = counters_of(&members[i]);
		holdings[i].is.limits = (struct limits){.quota_up = c[SET_UP].quota,
							.quota_down = c[SET_DOWN].quota};
		HASH_ADD_KEYPTR(hh, rates.by_mac, holdings[i].is.mac.b, MAC_LEN, &holdings[i]);
	}
	for (rates.set = SET_UP_RATE; rates.set < SETS && r == 0; rates.set++)
		r = read_rates(sets, zone, &rates);
	HASH_CLEAR(hh, rates.by_mac);
	return r;
}
