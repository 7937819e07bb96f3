/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other questions to sets: who is a member, who opened a connection, which interfaces are
 * armed. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "nft/batch.h"
#include "nft/set.h"

enum { NAME_MAX_LEN = 64, SMALL_BATCH = 512 * 1024, KEY_MAX = 28 };

static void set_freep(struct nftnl_set **s)
{
	if (*s)
		nftnl_set_free(*s);
}

struct dumping {
	set_dump_fn *fn;
	void *data;
};

static int take_comment(const struct nftnl_udata *attr, void *data)
{
	if (nftnl_udata_type(attr) == NFTNL_UDATA_SET_ELEM_COMMENT)
		snprintf(data, COMMENT_MAX, "%.*s", (int)nftnl_udata_len(attr),
			 (const char *)nftnl_udata_get(attr));
	return 0;
}

static void dump_element(struct nftnl_set_elem *e, const struct dumping *d)
{
	char comment[COMMENT_MAX] = "";
	struct mac mac;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (!key || len < MAC_LEN)
		return;
	memcpy(mac.b, key, MAC_LEN);
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_USERDATA)) {
		const void *udata = nftnl_set_elem_get(e, NFTNL_SET_ELEM_USERDATA, &len);

		nftnl_udata_parse(udata, len, take_comment, comment);
	}
	d->fn(d->data, &mac, nftnl_set_elem_get_u64(e, NFTNL_SET_ELEM_EXPIRATION), comment);
}

static int take_dumped(const struct nlmsghdr *nlh, void *data)
{
	CLEANUP(set_freep) struct nftnl_set *s = nftnl_set_alloc();

	if (!s || nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
		return MNL_CB_OK;

	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(s);

	for (struct nftnl_set_elem *e; iter && (e = nftnl_set_elems_iter_next(iter));)
		dump_element(e, data);
	if (iter)
		nftnl_set_elems_iter_destroy(iter);
	return MNL_CB_OK;
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

/* address . port . MAC as nf_tables lays a concatenation out: each part padded to four bytes. */
int set_opened_by(struct sets *sets, const char *zone, const struct addr *guest,
		  const struct mac *mac)
{
	char name[NAME_MAX_LEN];
	uint8_t key[KEY_MAX] = {0};
	uint32_t at = guest->family == 4 ? 4 : 16;
	uint16_t port = htons(guest->port);

	memcpy(key, guest->b, at);
	memcpy(key + at, &port, sizeof(port));
	memcpy(key + at + 4, mac->b, MAC_LEN);
	snprintf(name, sizeof(name), "z_%s_syn%d", zone, guest->family == 4 ? 4 : 6);

	struct set_id id = {NFPROTO_INET, name};
	CLEANUP(set_freep) struct nftnl_set *s = set_with_key(&id, key, at + 12);

	if (!s)
		return -ENOMEM;
	size_t len = get_elements_request(sets->nl, sets->buf, &id, 0, s);
	int r = netlink_talk(sets->nl, sets->buf, len, sets->nl->seq, NULL, NULL);

	return r == -ENOENT ? -EKEYREJECTED : r;
}

int set_arm(struct sets *sets, uint32_t ifindex)
{
	struct set_id id = {NFPROTO_INET, "armed"};
	CLEANUP(set_freep) struct nftnl_set *s = set_with_key(&id, &ifindex, sizeof(ifindex));
	struct batch b;

	if (!s)
		return -ENOMEM;
	batch_begin(&b, sets->nl, sets->buf, SMALL_BATCH);
	batch_elements(&b, &id, NFT_MSG_NEWSETELEM, NLM_F_CREATE, s);
	return batch_commit(&b);
}
