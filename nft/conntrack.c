/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "common/cleanup.h"
#include "nft/conntrack.h"

/* One direction of an entry. */
struct tuple {
	struct addr src;
	uint16_t sport, dport;
	uint8_t protocol;
};

static int take_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;

	if (mnl_attr_type_valid(attr, CTA_MAX) > 0)
		attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void parse_ip(const struct nlattr *nest, struct tuple *t)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == CTA_IP_V4_SRC && mnl_attr_get_payload_len(a) == 4) {
			t->src.family = 4;
			memcpy(t->src.b, mnl_attr_get_payload(a), 4);
		} else if (mnl_attr_get_type(a) == CTA_IP_V6_SRC &&
			   mnl_attr_get_payload_len(a) == 16) {
			t->src.family = 6;
			memcpy(t->src.b, mnl_attr_get_payload(a), 16);
		}
	}
}

static void parse_proto(const struct nlattr *nest, struct tuple *t)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == CTA_PROTO_NUM)
			t->protocol = mnl_attr_get_u8(a);
		else if (mnl_attr_get_type(a) == CTA_PROTO_SRC_PORT)
			t->sport = ntohs(mnl_attr_get_u16(a));
		else if (mnl_attr_get_type(a) == CTA_PROTO_DST_PORT)
			t->dport = ntohs(mnl_attr_get_u16(a));
	}
}

static struct tuple parse_tuple(const struct nlattr *nest)
{
	struct tuple t = {0};
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == CTA_TUPLE_IP)
			parse_ip(a, &t);
		else if (mnl_attr_get_type(a) == CTA_TUPLE_PROTO)
			parse_proto(a, &t);
	}
	return t;
}

/* Of guests, whose address comes first, or of an address and a guest. */
static int by_addr(const void *a, const void *b)
{
	const struct addr *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return memcmp(x->b, y->b, x->family == 4 ? 4 : 16);
}

static const struct conntrack_guest *find(const struct conntrack_guest *guests, size_t count,
					  const struct addr *src)
{
	return bsearch(src, guests, count, sizeof(*guests), by_addr);
}

/* Our answer to the guest is on its way through this one. */
static bool is_portal(const struct web_ports *ports, const struct tuple *orig,
		      const struct tuple *reply)
{
	if (orig->protocol != IPPROTO_TCP)
		return false;
	return orig->dport == 80 ? reply->sport == ports->portal || reply->sport == ports->divert
				 : orig->dport == 443 && reply->sport == ports->tls;
}

static void copy_entry(const struct nlattr **attrs, uint8_t family,
		       struct conntrack_entry *ret_entry)
{
	const struct nlattr *orig = attrs[CTA_TUPLE_ORIG];

	*ret_entry = (struct conntrack_entry){.family = family};
	memcpy(ret_entry->tuple, orig, orig->nla_len);
	if (attrs[CTA_ID])
		ret_entry->id = mnl_attr_get_u32(attrs[CTA_ID]);
	ret_entry->has_zone = attrs[CTA_ZONE] != NULL;
	if (ret_entry->has_zone)
		ret_entry->zone = mnl_attr_get_u16(attrs[CTA_ZONE]);
}

bool conntrack_match(const struct nlmsghdr *nlh, const struct conntrack_guest *guests, size_t count,
		     struct conntrack_entry *ret_entry)
{
	const struct nlattr *attrs[CTA_MAX + 1] = {NULL};
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	mnl_attr_parse(nlh, sizeof(*nfg), take_attr, attrs);
	if (!attrs[CTA_TUPLE_ORIG] || !attrs[CTA_TUPLE_REPLY] ||
	    attrs[CTA_TUPLE_ORIG]->nla_len > CONNTRACK_TUPLE_MAX)
		return false;
	struct tuple orig = parse_tuple(attrs[CTA_TUPLE_ORIG]);
	struct tuple reply = parse_tuple(attrs[CTA_TUPLE_REPLY]);
	const struct conntrack_guest *g = find(guests, count, &orig.src);

	if (!g)
		g = find(guests, count, &reply.src);
	if (!g || is_portal(&g->ports, &orig, &reply))
		return false;
	copy_entry(attrs, nfg->nfgen_family, ret_entry);
	return true;
}

static struct nlmsghdr *request(struct netlink *nl, char *buf, uint16_t type, uint16_t flags,
				uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8) | type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++nl->seq;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

int conntrack_delete(struct netlink *nl, const struct conntrack_entry *e)
{
	char buf[512];
	struct nlmsghdr *nlh = request(nl, buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, e->family);
	const struct nlattr *tuple = (const void *)e->tuple;

	memcpy(mnl_nlmsg_get_payload_tail(nlh), tuple, tuple->nla_len);
	nlh->nlmsg_len += MNL_ALIGN(tuple->nla_len);
	if (e->id)
		mnl_attr_put_u32(nlh, CTA_ID, e->id);
	if (e->has_zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, e->zone);
	return netlink_talk(nl, nlh, nlh->nlmsg_len, nlh->nlmsg_seq, NULL, NULL);
}

int conntrack_dump(struct netlink *nl, uint8_t family, struct netlink_dump *ret_dump)
{
	char buf[64];

	return netlink_dump_begin(nl, request(nl, buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family),
				  ret_dump);
}

void conntrack_sort(struct conntrack_guest *guests, size_t count)
{
	if (count > 0)
		qsort(guests, count, sizeof(*guests), by_addr);
}
