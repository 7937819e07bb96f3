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
#include "nft/batch.h"
#include "nft/garden_set.h"

enum {
	SET_NAME_MAX = 64,
	KEY_MAX = 16 + 4 + 4, /* an address, a protocol, a port; each filled up to four bytes */
};

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

static int add_element(struct nftnl_set *s, const struct opened_address *a, uint64_t timeout)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();
	uint8_t key[KEY_MAX];

	if (!elem)
		return -ENOMEM;
	nftnl_set_elem_add(s, elem); /* the set's from here on */
	if (nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, key, write_key(a, key)) < 0)
		return -ENOMEM;
	if (timeout)
		nftnl_set_elem_set_u64(elem, NFTNL_SET_ELEM_TIMEOUT, timeout);
	return 0;
}

/* The sets that answers open addresses in. */
struct kind {
	const char *suffix;
	bool ports;
	uint8_t family;
};

static int add_message(struct batch *b, const struct set_id *id, const struct kind *kind,
		       uint16_t type, const struct opened_address *addresses, size_t count,
		       uint64_t now)
{
	const bool add = type == NFT_MSG_NEWSETELEM;
	CLEANUP(set_freep) struct nftnl_set *s = set_alloc(id);

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct opened_address *a = &addresses[i];

		if (a->addr.family != kind->family || (a->protocol != 0) != kind->ports)
			continue;
		int r = add_element(s, a, add ? a->end - now : 0);

		if (r < 0)
			return r;
	}
	batch_elements(b, id, type, add ? NLM_F_CREATE : 0, s);
	return 0;
}

int garden_set_open(struct sets *sets, const char *zone, const struct opened_address *addresses,
		    size_t count, uint64_t now)
{
	static const struct kind kinds[] = {{"names4", false, 4},
					    {"names6", false, 6},
					    {"ports4", true, 4},
					    {"ports6", true, 6}};
	static const uint16_t types[] = {NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM,
					 NFT_MSG_NEWSETELEM};
	struct batch b;

	batch_begin(&b, sets->nl, sets->buf, SETS_BUFFER);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char name[SET_NAME_MAX];
		const struct set_id id = {NFPROTO_INET, name};

		snprintf(name, sizeof(name), "z_%s_%s", zone, kinds[i].suffix);
		for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
			int r = add_message(&b, &id, &kinds[i], types[k], addresses, count, now);

			if (r < 0)
				return r;
		}
	}
	return batch_commit(&b);
}
