/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include "common/cleanup.h"
#include "nft/guard_rule.h"
#include "nft/rule.h"

static int add_meta(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *e = rule_add_expr(rule, "meta");

	if (!e)
		return -ENOMEM;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	return 0;
}

/* Of what was loaded before: op is NFT_CMP_EQ, NFT_CMP_GTE... */
static int add_cmp(struct nftnl_rule *rule, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *e = rule_add_expr(rule, "cmp");

	if (!e || nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len) < 0)
		return -ENOMEM;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	return 0;
}

/* meta KEY VALUE, of one byte */
static int add_meta_is(struct nftnl_rule *rule, uint32_t key, uint8_t value)
{
	return add_meta(rule, key) < 0 ? -ENOMEM : add_cmp(rule, NFT_CMP_EQ, &value, 1);
}

static int add_payload(struct nftnl_rule *rule, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = rule_add_expr(rule, "payload");

	if (!e)
		return -ENOMEM;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	return 0;
}

/* fib daddr . iif type local */
static int add_local(struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *e = rule_add_expr(rule, "fib");

	if (!e)
		return -ENOMEM;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF);
	return add_cmp(rule, NFT_CMP_EQ, &local, sizeof(local));
}

static int add_interface(struct nftnl_rule *rule, uint32_t key)
{
	if (add_meta(rule, key) < 0)
		return -ENOMEM;
	struct nftnl_expr *e = rule_add_expr(rule, "lookup");

	if (!e || nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, GUARD_ZONES) < 0)
		return -ENOMEM;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, GUARD_ZONES_ID);
	return 0;
}

static int add_marked(struct nftnl_rule *rule, uint32_t mark)
{
	static const uint32_t zero;

	if (add_meta(rule, NFT_META_MARK) < 0)
		return -ENOMEM;
	struct nftnl_expr *and = rule_add_expr(rule, "bitwise");

	if (!and)
		return -ENOMEM;
	nftnl_expr_set_u32(and, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(and, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(and, NFTNL_EXPR_BITWISE_LEN, sizeof(mark));
	if (nftnl_expr_set(and, NFTNL_EXPR_BITWISE_MASK, &mark, sizeof(mark)) < 0 ||
	    nftnl_expr_set(and, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero)) < 0)
		return -ENOMEM;
	return add_cmp(rule, NFT_CMP_EQ, &mark, sizeof(mark));
}

static int add_verdict(struct nftnl_rule *rule, uint32_t verdict)
{
	struct nftnl_expr *e = rule_add_expr(rule, "immediate");

	if (!e)
		return -ENOMEM;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	return 0;
}

struct nftnl_rule *guard_rule_marked(uint32_t mark)
{
	CLEANUP(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule || add_marked(rule, mark) < 0 || add_verdict(rule, NF_ACCEPT) < 0)
		return NULL;
	return steal_ptr(&rule);
}

struct nftnl_rule *guard_rule_drop(uint32_t key)
{
	CLEANUP(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule || add_interface(rule, key) < 0 || add_verdict(rule, NF_DROP) < 0)
		return NULL;
	return steal_ptr(&rule);
}

struct nftnl_rule *guard_rule_discovery(void)
{
	static const uint8_t first = ND_ROUTER_SOLICIT, last = ND_NEIGHBOR_ADVERT;
	CLEANUP(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule || add_meta_is(rule, NFT_META_NFPROTO, NFPROTO_IPV6) < 0 ||
	    add_meta_is(rule, NFT_META_L4PROTO, IPPROTO_ICMPV6) < 0 ||
	    add_payload(rule, offsetof(struct icmp6_hdr, icmp6_type), sizeof(first)) < 0 ||
	    add_cmp(rule, NFT_CMP_GTE, &first, sizeof(first)) < 0 ||
	    add_cmp(rule, NFT_CMP_LTE, &last, sizeof(last)) < 0 || add_verdict(rule, NF_ACCEPT) < 0)
		return NULL;
	return steal_ptr(&rule);
}

struct nftnl_rule *guard_rule_local(uint8_t protocol, uint16_t port)
{
	CLEANUP(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();
	const uint16_t wire = htons(port); /* behind the source port, in TCP and in UDP */

	if (!rule || add_meta_is(rule, NFT_META_L4PROTO, protocol) < 0 ||
	    add_payload(rule, sizeof(wire), sizeof(wire)) < 0 ||
	    add_cmp(rule, NFT_CMP_EQ, &wire, sizeof(wire)) < 0 || add_local(rule) < 0 ||
	    add_verdict(rule, NF_ACCEPT) < 0)
		return NULL;
	return steal_ptr(&rule);
}
