/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other questions to sets (who is a member, who opened a connection), and the set of armed
 * interfaces. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "nft/batch.h"
#include "nft/set.h"
#include "nft/set_expr.h"

enum { NAME_MAX_LEN = 64, SMALL_BATCH = 512 * 1024, ARMED_MAX = 256, KEY_MAX = 28 };

struct dumping {
	set_dump_fn *fn;
	void *data;
};

static void dump_element(struct nftnl_set_elem *e, void *data)
{
	const struct dumping *d = data;
	char comment[COMMENT_MAX];
	uint64_t ends_ms = 0;
	struct mac mac;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (!key || len < MAC_LEN)
		return;
	memcpy(mac.b, key, MAC_LEN);
	element_comment(e, comment);
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_EXPIRATION)) {
		ends_ms = now_boot_ms() + nftnl_set_elem_get_u64(e, NFTNL_SET_ELEM_EXPIRATION);
	}
	d->fn(d->data, &mac, ends_ms, comment);
}

static int take_dumped(const struct nlmsghdr *nlh, void *data)
{
	return elements_each(nlh, dump_element, data);
}

int set_dump(struct sets *sets, const char *zone, set_dump_fn *fn, void *data)
{
	struct dumping d = {fn, data};
	char name[NAME_MAX_LEN];

	snprintf(name, sizeof(name), "z_%s", zone);
	struct set_id id = {NFPROTO_INET, name};
	CLEANUP(set_freep) struct nftnl_set *s = set_alloc(&id);

	if (!s)
		return -ENOMEM;
	get_elements_request(sets->nl, sets->buf, &id, NLM_F_DUMP, s);
	return netlink_dump(sets->nl, (void *)sets->buf, take_dumped, &d);
}

static struct nftnl_set *set_with_key(const struct set_id *id, const void *key, uint32_t len)
{
	CLEANUP(set_freep) struct nftnl_set *s = set_alloc(id);
	struct nftnl_set_elem *e = s ? nftnl_set_elem_alloc() : NULL;

	if (!e)
		return NULL;
	if (nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, len) < 0) {
		nftnl_set_elem_free(e);
		return NULL;
	}
	nftnl_set_elem_add(s, e);
	return steal_ptr(&s);
}

/* Is the key, or a part of its front, in the set?  -ENOENT: no. */
static int find_key(struct sets *sets, const char *zone, const char *set, const struct addr *guest,
		    const void *key, uint32_t len)
{
	char name[NAME_MAX_LEN];

	snprintf(name, sizeof(name), "z_%s_%s%d", zone, set, guest->family);
	struct set_id id = {NFPROTO_INET, name};
	CLEANUP(set_freep) struct nftnl_set *s = set_with_key(&id, key, len);

	if (!s)
		return -ENOMEM;
	size_t request = get_elements_request(sets->nl, sets->buf, &id, 0, s);

	return netlink_talk(sets->nl, sets->buf, request, sets->nl->seq, NULL, NULL);
}

/* address . port . MAC as nf_tables lays a concatenation out: each part padded to four bytes. */
int set_opened_by(struct sets *sets, const char *zone, const struct addr *guest,
		  const struct mac *mac)
{
	uint8_t key[KEY_MAX] = {0};
	uint32_t at = guest->family == 4 ? 4 : 16;
	uint16_t port = htons(guest->port);

	memcpy(key, guest->b, at);
	memcpy(key + at, &port, sizeof(port));
	memcpy(key + at + 4, mac->b, MAC_LEN);
	int r = find_key(sets, zone, "syn", guest, key, at + 12);

	if (r < 0)
		return r == -ENOENT ? -EKEYREJECTED : r;
	r = find_key(sets, zone, "twice", guest, key, at + 4);
	if (r == 0)
		return -EKEYREJECTED;
	return r == -ENOENT ? 0 : r;
}

struct armed {
	uint32_t indexes[ARMED_MAX];
	size_t count;
};

static void take_index(struct nftnl_set_elem *e, void *data)
{
	struct armed *a = data;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (a->count < ARMED_MAX && len == sizeof(uint32_t))
		memcpy(&a->indexes[a->count++], key, sizeof(uint32_t));
}

static int take_armed(const struct nlmsghdr *nlh, void *data)
{
	return elements_each(nlh, take_index, data);
}

static bool contains(const uint32_t *indexes, size_t count, uint32_t index)
{
	for (size_t i = 0; i < count; i++) {
		if (indexes[i] == index)
			return true;
	}
	return false;
}

/* Adds to s those of `from` that are neither 0 nor in `without`. */
static int add_difference(struct nftnl_set *s, const uint32_t *from, size_t from_count,
			  const uint32_t *without, size_t without_count)
{
	for (size_t i = 0; i < from_count; i++) {
		if (!from[i] || contains(without, without_count, from[i]))
			continue;
		struct nftnl_set_elem *e = nftnl_set_elem_alloc();

		if (!e)
			return -ENOMEM;
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, &from[i], sizeof(from[i]));
		nftnl_set_elem_add(s, e);
	}
	return 0;
}

int set_arm_only(struct sets *sets, const uint32_t *indexes, size_t count)
{
	struct set_id id = {NFPROTO_INET, "armed"};
	CLEANUP(set_freep) struct nftnl_set *more = set_alloc(&id);
	CLEANUP(set_freep) struct nftnl_set *less = set_alloc(&id);
	struct armed now = {.count = 0};
	struct batch b;

	if (!more || !less)
		return -ENOMEM;
	get_elements_request(sets->nl, sets->buf, &id, NLM_F_DUMP, more);
	int r = netlink_dump(sets->nl, (void *)sets->buf, take_armed, &now);

	if (r == 0)
		r = add_difference(more, indexes, count, now.indexes, now.count);
	if (r == 0)
		r = add_difference(less, now.indexes, now.count, indexes, count);
	if (r < 0)
		return r;
	batch_begin(&b, sets->nl, sets->buf, SMALL_BATCH);
	size_t empty = b.len;

	batch_elements(&b, &id, NFT_MSG_DELSETELEM, 0, less);
	batch_elements(&b, &id, NFT_MSG_NEWSETELEM, NLM_F_CREATE, more);
	return b.len == empty ? 0 : batch_commit(&b);
}
