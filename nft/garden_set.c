/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An element is given another end by add, delete and add in one transaction, which is right whether it is there, is not, or has
 * just ended: to add a live one alone changes nothing on 6.1, and to delete one that has ended fails.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "common/garden_name.h"
#include "nft/batch.h"
#include "nft/garden_comment.h"
#include "nft/garden_set.h"
#include "nft/set_expr.h"

enum {
	SET_NAME_MAX = 64,
	KEY_MAX = 16 + 4 + 4, /* an address, a protocol, a port; each filled up to four bytes */
	READ_TRIES = 8,	      /* somebody may change the ruleset meanwhile */
	ROUNDING =
		100, /* milliseconds: the kernel counts ticks, and may end an element two of them early */
};

/* The sets that answers open addresses in. */
struct kind {
	const char *suffix;
	bool ports;
	uint8_t family;
};

enum { KINDS = 4 };

static const struct kind kinds[KINDS] = {
	{"names4", false, 4}, {"names6", false, 6}, {"ports4", true, 4}, {"ports6", true, 6}};

static void name_set(char name[static SET_NAME_MAX], const char *zone, const struct kind *kind)
{
	snprintf(name, SET_NAME_MAX, "z_%s_%s", zone, kind->suffix);
}

static uint32_t write_key(const struct opened_address *a, uint8_t key[static KEY_MAX])
{
	const uint32_t len = a->addr.family == 4 ? 4 : 16;
	const uint16_t port = htons(a->port);

	memset(key, 0, KEY_MAX);
	memcpy(key, a->addr.b, len);
	if (!a->protocol)
		return len;
	key[len] = a->protocol;
	memcpy(key + len + 4, &port, sizeof(port));
	return len + 8;
}

/* False: write_key() does not make such a key. */
static bool read_key(struct nftnl_set_elem *elem, const struct kind *kind,
		     struct opened_address *ret_address)
{
	const uint32_t address_len = kind->family == 4 ? 4 : 16;
	struct opened_address a = {.addr.family = kind->family};
	uint8_t ours[KEY_MAX];
	uint16_t port;
	uint32_t len = 0;
	const uint8_t *key = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_KEY, &len);

	if (!key || len != address_len + (kind->ports ? 8 : 0))
		return false;
	memcpy(a.addr.b, key, address_len);
	if (kind->ports) {
		a.protocol = key[address_len];
		memcpy(&port, key + address_len + 4, sizeof(port));
		a.port = ntohs(port);
	}
	if (write_key(&a, ours) != len || memcmp(key, ours, len) != 0)
		return false;
	*ret_address = a;
	return true;
}

static struct nftnl_set_elem *add_element(struct nftnl_set *s, const struct opened_address *a)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();
	uint8_t key[KEY_MAX];

	if (!elem)
		return NULL;
	nftnl_set_elem_add(s, elem); /* the set's from here on */
	return nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, key, write_key(a, key)) < 0 ? NULL
											: elem;
}

/* Addresses that are to be opened. */
struct opening {
	const struct gate_zone *zone;
	const struct opened_address *addresses;
	size_t count;
	uint64_t now;
};

static int add_open(struct nftnl_set *s, const struct opening *o, const struct opened_address *a)
{
	struct nftnl_set_elem *elem = add_element(s, a);
	char comment[COMMENT_MAX];

	if (!elem)
		return -ENOMEM;
	nftnl_set_elem_set_u64(elem, NFTNL_SET_ELEM_TIMEOUT, a->end - o->now);
	garden_comment(comment, &o->zone->garden, a);
	return element_add_comment(elem, comment);
}

static int add_message(struct batch *b, const struct set_id *id, const struct kind *kind,
		       uint16_t type, const struct opening *o)
{
	const bool add = type == NFT_MSG_NEWSETELEM;
	CLEANUP(set_freep) struct nftnl_set *s = set_alloc(id);

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < o->count; i++) {
		const struct opened_address *a = &o->addresses[i];
		int r = 0;

		if (a->addr.family != kind->family || (a->protocol != 0) != kind->ports)
			continue;
		if (add)
			r = add_open(s, o, a);
		else if (!add_element(s, a))
			r = -ENOMEM;
		if (r < 0)
			return r;
	}
	batch_elements(b, id, type, add ? NLM_F_CREATE : 0, s);
	return 0;
}

int garden_set_open(struct sets *sets, const struct gate_zone *zone,
		    const struct opened_address *addresses, size_t count, uint64_t now)
{
	const struct opening o = {zone, addresses, count, now};
	static const uint16_t types[] = {NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM,
					 NFT_MSG_NEWSETELEM};
	struct batch b;

	batch_begin(&b, sets->nl, sets->buf, SETS_BUFFER);
	for (size_t i = 0; i < KINDS; i++) {
		char name[SET_NAME_MAX];
		const struct set_id id = {NFPROTO_INET, name};

		name_set(name, zone->name, &kinds[i]);
		for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
			int r = add_message(&b, &id, &kinds[i], types[k], &o);

			if (r < 0)
				return r;
		}
	}
	return batch_commit(&b);
}

struct reading {
	const struct gate_zone *zone;
	const struct kind *kind;
	struct opened *opened;
	int error;
};

/* What is not wholly as garden_set_open() or nft/garden.c made it is somebody else's. */
static bool read_element(struct nftnl_set_elem *elem, const struct reading *r, uint64_t now,
			 struct opened_address *ret_address)
{
	char comment[COMMENT_MAX];

	if (!nftnl_set_elem_is_set(elem, NFTNL_SET_ELEM_EXPIRATION) ||
	    !read_key(elem, r->kind, ret_address) || !garden_address_fits(&ret_address->addr))
		return false;
	const uint64_t left = nftnl_set_elem_get_u64(elem, NFTNL_SET_ELEM_EXPIRATION);

	element_comment(elem, comment);
	return garden_comment_read(comment, &r->zone->garden, ret_address) &&
	       ret_address->end > now && ret_address->end - now <= left + ROUNDING;
}

/* Beyond a name's share it stays away. */
static void take_element(struct nftnl_set_elem *elem, void *data)
{
	struct reading *r = data;
	const uint64_t now = opened_now();
	struct opened_address a;

	if (!read_element(elem, r, now, &a))
		return;
	int noted = opened_note(r->opened, &r->zone->garden, a.name, &a.addr, a.end, now);

	if (noted == -ENOMEM)
		r->error = noted;
}

static int take_elements(const struct nlmsghdr *nlh, void *data)
{
	return elements_each(nlh, take_element, data);
}

static int read_kind(struct sets *sets, struct reading *reading)
{
	char name[SET_NAME_MAX];
	const struct set_id id = {NFPROTO_INET, name};
	CLEANUP(set_freep) struct nftnl_set *s = NULL;

	name_set(name, reading->zone->name, reading->kind);
	s = set_alloc(&id);
	if (!s)
		return -ENOMEM;
	get_elements_request(sets->nl, sets->buf, &id, NLM_F_DUMP, s);
	int r = netlink_dump(sets->nl, (void *)sets->buf, take_elements, reading);

	return r < 0 ? r : reading->error;
}

/* A zone that is new has no such sets. */
static int read_once(struct sets *sets, const struct gate_zone *zone, struct opened *opened)
{
	int r = 0;

	for (size_t i = 0; i < KINDS && r == 0; i++) {
		struct reading reading = {.zone = zone, .kind = &kinds[i], .opened = opened};

		r = read_kind(sets, &reading);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

int garden_set_read(struct sets *sets, const struct gate_zone *zone, struct opened *ret_opened)
{
	struct opened found = {0};
	int r = read_once(sets, zone, &found);

	for (int i = 1; i < READ_TRIES && r == -EINTR; i++) {
		opened_clear(&found);
		r = read_once(sets, zone, &found);
	}
	if (r < 0)
		opened_clear(&found);
	else
		*ret_opened = found;
	return r;
}
