/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/batch.h"

enum {
	MESSAGE_ROOM = 128 * 1024
}; /* one message is at most an attribute of 64 kB and its headers */

static struct nlmsghdr *batch_end_of(const struct batch *b)
{
	return (struct nlmsghdr *)(void *)(b->buf + b->len);
}

void batch_begin(struct batch *b, struct netlink *nl, char *buf, size_t size)
{
	*b = (struct batch){.nl = nl, .buf = buf, .size = size};
	b->len = nftnl_batch_begin(buf, ++nl->seq)->nlmsg_len;
}

void batch_elements(struct batch *b, const struct set_id *id, uint16_t type, uint16_t flags,
		    struct nftnl_set *s)
{
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(s);

	if (!iter || b->size - b->len < MESSAGE_ROOM) {
		b->overflow = true;
	} else if (nftnl_set_elems_iter_cur(iter)) {
		struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(
			(char *)batch_end_of(b), type, id->family, flags | NLM_F_ACK, ++b->nl->seq);

		nftnl_set_elems_nlmsg_build_payload(nlh, s);
		b->len += MNL_ALIGN(nlh->nlmsg_len);
	}
	if (iter)
		nftnl_set_elems_iter_destroy(iter);
}

int batch_commit(struct batch *b)
{
	uint32_t acked = b->nl->seq;

	if (b->overflow || b->size - b->len < MESSAGE_ROOM)
		return -ENOBUFS;
	b->len += nftnl_batch_end((char *)batch_end_of(b), ++b->nl->seq)->nlmsg_len;
	return netlink_talk(b->nl, b->buf, b->len, acked, NULL, NULL);
}

struct nftnl_set *set_alloc(const struct set_id *id)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s)
		return NULL;
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, id->family);
	if (nftnl_set_set_str(s, NFTNL_SET_TABLE, "portald") < 0 ||
	    nftnl_set_set_str(s, NFTNL_SET_NAME, id->name) < 0) {
		nftnl_set_free(s);
		return NULL;
	}
	return s;
}

size_t get_elements_request(struct netlink *nl, char *buf, const struct set_id *id, uint16_t flags,
			    struct nftnl_set *s)
{
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, id->family,
						     flags | NLM_F_ACK, ++nl->seq);

	nftnl_set_elems_nlmsg_build_payload(nlh, s);
	return nlh->nlmsg_len;
}
