/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "nft/egress.h"

#define TABLE "portald-probe"

enum { BATCH_SIZE = 2048 };

static void table_freep(struct nftnl_table **t)
{
	if (*t)
		nftnl_table_free(*t);
}

static void chain_freep(struct nftnl_chain **c)
{
	if (*c)
		nftnl_chain_free(*c);
}

/* What a kernel without it says of an unknown hook, family or module. */
static int judge(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
	case -EAFNOSUPPORT:
	case -EPROTONOSUPPORT:
	case -ENOENT:
		return -EOPNOTSUPP;
	default:
		return error;
	}
}

int egress_probe(struct netlink *nl)
{
	CLEANUP(table_freep) struct nftnl_table *t = nftnl_table_alloc();
	CLEANUP(chain_freep) struct nftnl_chain *c = nftnl_chain_alloc();
	char buf[BATCH_SIZE];
	struct nlmsghdr *nlh;

	if (!t || !c || nftnl_table_set_str(t, NFTNL_TABLE_NAME, TABLE) < 0 ||
	    nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, TABLE) < 0 ||
	    nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, "egress") < 0 ||
	    nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter") < 0 ||
	    nftnl_chain_set_str(c, NFTNL_CHAIN_DEV, "lo") < 0)
		return -ENOMEM;
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, NF_NETDEV_EGRESS);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, 0);

	size_t len = nftnl_batch_begin(buf, ++nl->seq)->nlmsg_len;

	nlh = nftnl_nlmsg_build_hdr(buf + len, NFT_MSG_NEWTABLE, NFPROTO_NETDEV, NLM_F_CREATE,
				    ++nl->seq);
	nftnl_table_nlmsg_build_payload(nlh, t);
	len += MNL_ALIGN(nlh->nlmsg_len);
	nlh = nftnl_nlmsg_build_hdr(buf + len, NFT_MSG_NEWCHAIN, NFPROTO_NETDEV,
				    NLM_F_CREATE | NLM_F_ACK, ++nl->seq);
	nftnl_chain_nlmsg_build_payload(nlh, c);
	len += MNL_ALIGN(nlh->nlmsg_len);
	return judge(netlink_talk(nl, buf, len, nl->seq, NULL, NULL));
}
