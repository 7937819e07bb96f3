/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libnftnl/chain.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "common/cleanup.h"
#include "nft/batch.h"
#include "nft/guard.h"
#include "nft/guard_rule.h"
#include "nft/rule.h"

#define TABLE "portald_guard"

enum {
	BATCH_SIZE = 32 * 1024, /* ZONES_MAX elements, three chains' worth of rules */
	TABLE_PERSIST = 0x4,	/* NFT_TABLE_F_PERSIST, which older headers do not have */
	SMALL_BATCH = 4096,
	ADOPT_TRIES = 100, /* of 20 ms */
	TYPE_IFNAME = 41,  /* nft's numbers, for its listing alone */
	HOST_ENDIAN = 1,
	AFTER_OURS = NF_IP_PRI_FILTER - 4,
	BEFORE_ALL = NF_IP_PRI_RAW - 1,
};

/* A transaction that is being built. */
struct builder {
	struct guard *g;
	char *buf;
	size_t len;
	int error; /* the first one */
};

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

void guard_finish(struct guard *g)
{
	for (size_t i = 0; i < GUARD_STATES; i++)
		free(g->batches[i].buf);
	*g = (struct guard){0};
}

static struct nlmsghdr *next_message(struct builder *b, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(b->buf + b->len, type, NFPROTO_INET, flags | NLM_F_ACK,
				     ++b->g->nl->seq);
}

static void add_message(struct builder *b, const struct nlmsghdr *nlh)
{
	b->len += MNL_ALIGN(nlh->nlmsg_len);
}

static void put_table(struct builder *b, uint16_t type)
{
	CLEANUP(table_freep) struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh = next_message(b, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);

	if (!t || nftnl_table_set_str(t, NFTNL_TABLE_NAME, TABLE) < 0) {
		b->error = -ENOMEM;
		return;
	}
	if (type == NFT_MSG_NEWTABLE)
		nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, b->g->flags);
	nftnl_table_nlmsg_build_payload(nlh, t);
	add_message(b, nlh);
}

/* For nft's listing: names are in the host's byte order. */
static int add_byteorder(struct nftnl_set *s)
{
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(64);
	int r = -ENOMEM;

	if (!udata)
		return r;
	if (nftnl_udata_put_u32(udata, NFTNL_UDATA_SET_KEYBYTEORDER, HOST_ENDIAN))
		r = nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(udata),
				       nftnl_udata_buf_len(udata));
	nftnl_udata_buf_free(udata);
	return r;
}

static int add_name(struct nftnl_set *s, const char *interface)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();
	char key[IFNAME_MAX] = "";

	if (!e)
		return -ENOMEM;
	nftnl_set_elem_add(s, e);
	memcpy(key, interface, strlen(interface));
	return nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, sizeof(key));
}

static void put_zones(struct builder *b, const struct gate_zone *zones, size_t count)
{
	CLEANUP(set_freep) struct nftnl_set *s = nftnl_set_alloc();

	if (!s || nftnl_set_set_str(s, NFTNL_SET_TABLE, TABLE) < 0 ||
	    nftnl_set_set_str(s, NFTNL_SET_NAME, GUARD_ZONES) < 0 || add_byteorder(s) < 0) {
		b->error = -ENOMEM;
		return;
	}
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_IFNAME);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, IFNAME_MAX);
	nftnl_set_set_u32(s, NFTNL_SET_ID, GUARD_ZONES_ID);

	struct nlmsghdr *nlh = next_message(b, NFT_MSG_NEWSET, NLM_F_CREATE);

	nftnl_set_nlmsg_build_payload(nlh, s);
	add_message(b, nlh);
	for (size_t i = 0; i < count; i++) {
		if (add_name(s, zones[i].interface) < 0)
			b->error = -ENOMEM;
	}
	if (count == 0)
		return;
	nlh = next_message(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	nftnl_set_elems_nlmsg_build_payload(nlh, s);
	add_message(b, nlh);
}

static void put_chain(struct builder *b, const char *name, uint32_t hook, int32_t priority)
{
	CLEANUP(chain_freep) struct nftnl_chain *c = nftnl_chain_alloc();

	if (!c || nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, TABLE) < 0 ||
	    nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name) < 0 ||
	    nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter") < 0) {
		b->error = -ENOMEM;
		return;
	}
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, priority);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);

	struct nlmsghdr *nlh = next_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

	nftnl_chain_nlmsg_build_payload(nlh, c);
	add_message(b, nlh);
}

/* Takes the rule over; NULL: there was no memory for it. */
static void put_rule(struct builder *b, const char *chain, struct nftnl_rule *rule)
{
	CLEANUP(rule_freep) struct nftnl_rule *owned = rule;

	if (!owned || nftnl_rule_set_str(owned, NFTNL_RULE_TABLE, TABLE) < 0 ||
	    nftnl_rule_set_str(owned, NFTNL_RULE_CHAIN, chain) < 0) {
		b->error = -ENOMEM;
		return;
	}
	struct nlmsghdr *nlh = next_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

	nftnl_rule_nlmsg_build_payload(nlh, owned);
	add_message(b, nlh);
}

/* Neighbour discovery, the gateway's resolver and the portal are as they are for strangers. */
static void put_closed(struct builder *b)
{
	static const struct {
		uint8_t protocol;
		uint16_t port;
	} open[] = {{IPPROTO_TCP, 80}, {IPPROTO_TCP, 443}, {IPPROTO_UDP, 53}};

	put_chain(b, "closed", NF_INET_PRE_ROUTING, BEFORE_ALL);
	put_rule(b, "closed", guard_rule_discovery());
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		put_rule(b, "closed", guard_rule_local(open[i].protocol, open[i].port));
	put_rule(b, "closed", guard_rule_drop(NFT_META_IIFNAME));
}

/* The first table message makes sure that there is one to delete. */
static int build(struct guard *g, enum guard_state state, const struct gate_zone *zones,
		 size_t count, uint32_t mark)
{
	struct builder b = {.g = g, .buf = g->batches[state].buf};

	b.len = nftnl_batch_begin(b.buf, ++g->nl->seq)->nlmsg_len;
	put_table(&b, NFT_MSG_NEWTABLE);
	put_table(&b, NFT_MSG_DELTABLE);
	put_table(&b, NFT_MSG_NEWTABLE);
	put_zones(&b, zones, count);
	put_chain(&b, "forward", NF_INET_FORWARD, AFTER_OURS);
	if (state == GUARD_CLOSED)
		put_closed(&b);
	else
		put_rule(&b, "forward", guard_rule_marked(mark));
	put_rule(&b, "forward", guard_rule_drop(NFT_META_IIFNAME));
	put_rule(&b, "forward", guard_rule_drop(NFT_META_OIFNAME));
	g->batches[state].acked = g->nl->seq;
	b.len += nftnl_batch_end(b.buf + b.len, ++g->nl->seq)->nlmsg_len;
	g->batches[state].len = b.len;
	return b.error;
}

int guard_put(struct guard *g, enum guard_state state)
{
	return netlink_talk(g->nl, g->batches[state].buf, g->batches[state].len,
			    g->batches[state].acked, NULL, NULL);
}

int guard_prepare(struct guard *g, const struct gate_zone *zones, size_t count, uint32_t mark)
{
	int r = 0;

	for (enum guard_state state = GUARD_OPEN; state < GUARD_STATES && r == 0; state++)
		r = build(g, state, zones, count, mark);
	return r;
}

/* NFT_MSG_NEWTABLE makes the table ours, an empty one if there was none; NFT_MSG_DELTABLE. */
static int change_table(struct guard *g, uint16_t type)
{
	char buf[SMALL_BATCH];
	struct builder b = {.g = g, .buf = buf};

	b.len = nftnl_batch_begin(buf, ++g->nl->seq)->nlmsg_len;
	put_table(&b, type);
	uint32_t acked = g->nl->seq;

	b.len += nftnl_batch_end(buf + b.len, ++g->nl->seq)->nlmsg_len;
	return b.error ? b.error : netlink_talk(g->nl, buf, b.len, acked, NULL, NULL);
}

/* A gate that was killed may hold its socket for a moment longer. */
static int adopt_soon(struct guard *g)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int r = change_table(g, NFT_MSG_NEWTABLE);

	for (int tries = 1; tries < ADOPT_TRIES && r == -EPERM; tries++) {
		nanosleep(&pause, NULL);
		r = change_table(g, NFT_MSG_NEWTABLE);
	}
	return r;
}

int guard_init(struct guard *g, struct netlink *nl)
{
	g->nl = nl;
	g->flags = NFT_TABLE_F_OWNER | TABLE_PERSIST;
	for (size_t i = 0; i < GUARD_STATES; i++) {
		g->batches[i].buf = malloc(BATCH_SIZE);
		if (!g->batches[i].buf)
			return -ENOMEM;
	}
	int r = adopt_soon(g);

	if (r != -EOPNOTSUPP && r != -EINVAL)
		return r;
	g->flags = 0; /* an owned table would vanish with us */
	return 0;
}

int guard_remove(struct netlink *nl)
{
	struct guard g = {.nl = nl};
	int r = change_table(&g, NFT_MSG_DELTABLE);

	return r == -ENOENT ? 0 : r;
}
