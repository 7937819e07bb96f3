/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "common/cleanup.h"
#include "nft/conntrack.h"

enum { TUPLE_MAX = 128, DUMP_TRIES = 3 };

/* What names an entry to the kernel: copied from the dump as it is. */
struct entry {
	uint8_t family;
	_Alignas(struct nlattr) uint8_t tuple[TUPLE_MAX]; /* the attribute CTA_TUPLE_ORIG */
	uint32_t id;					  /* network order, as it came */
	uint16_t zone;					  /* network order */
	bool has_zone;
};

struct matching {
	const struct addr *addrs;
	size_t count;
	struct web_ports ports;
	struct entry *entries;
	size_t found, room;
	bool failed;
};

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

static int by_addr(const void *a, const void *b)
{
	const struct addr *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return memcmp(x->b, y->b, x->family == 4 ? 4 : 16);
}

static bool is_ours(const struct matching *m, const struct addr *src)
{
	return bsearch(src, m->addrs, m->count, sizeof(*src), by_addr) != NULL;
}

/* Our answer to the guest is on its way through this one. */
static bool is_portal(const struct matching *m, const struct tuple *orig, const struct tuple *reply)
{
	if (orig->protocol != IPPROTO_TCP)
		return false;
	return orig->dport == 80
		       ? reply->sport == m->ports.portal || reply->sport == m->ports.divert
		       : orig->dport == 443 && reply->sport == m->ports.tls;
}

static void keep_entry(struct matching *m, uint8_t family, const struct nlattr **attrs)
{
	const struct nlattr *orig = attrs[CTA_TUPLE_ORIG];

	if (orig->nla_len > TUPLE_MAX)
		return;
	if (m->found == m->room) {
		size_t room = m->room ? m->room * 2 : 64;
		struct entry *entries = reallocarray(m->entries, room, sizeof(*entries));

		if (!entries) {
			m->failed = true;
			return;
		}
		m->entries = entries;
		m->room = room;
	}
	struct entry *e = &m->entries[m->found++];

	*e = (struct entry){.family = family};
	memcpy(e->tuple, orig, orig->nla_len);
	if (attrs[CTA_ID])
		e->id = mnl_attr_get_u32(attrs[CTA_ID]);
	e->has_zone = attrs[CTA_ZONE] != NULL;
	if (e->has_zone)
		e->zone = mnl_attr_get_u16(attrs[CTA_ZONE]);
}

static int take_entry(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attrs[CTA_MAX + 1] = {NULL};
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct matching *m = data;

	mnl_attr_parse(nlh, sizeof(*nfg), take_attr, attrs);
	if (!attrs[CTA_TUPLE_ORIG] || !attrs[CTA_TUPLE_REPLY])
		return MNL_CB_OK;
	struct tuple orig = parse_tuple(attrs[CTA_TUPLE_ORIG]);
	struct tuple reply = parse_tuple(attrs[CTA_TUPLE_REPLY]);

	if ((is_ours(m, &orig.src) || is_ours(m, &reply.src)) && !is_portal(m, &orig, &reply))
		keep_entry(m, nfg->nfgen_family, attrs);
	return MNL_CB_OK;
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

/* -ENOENT: it went by itself. */
static int delete_entry(struct netlink *nl, const struct entry *e)
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

static int dump_family(struct netlink *nl, uint8_t family, struct matching *m)
{
	char buf[64];
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++)
		r = netlink_dump(nl, request(nl, buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family),
				 take_entry, m);
	return m->failed ? -ENOMEM : r;
}

int conntrack_forget(struct netlink *nl, const struct addr *addrs, size_t count,
		     const struct web_ports *ports, size_t *ret_deleted)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	CLEANUP(cleanup_free) struct addr *sorted = calloc(count + 1, sizeof(*sorted));
	struct matching m = {sorted, count, *ports, NULL, 0, 0, false};
	size_t deleted = 0;
	int r = 0;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, addrs, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_addr);
	for (size_t i = 0; i < 2 && r == 0; i++)
		r = dump_family(nl, families[i], &m);
	for (size_t i = 0; i < m.found; i++) {
		int d = delete_entry(nl, &m.entries[i]);

		if (d == 0)
			deleted++;
		else if (d != -ENOENT && r == 0)
			r = d;
	}
	free(m.entries);
	if (r < 0)
		return r;
	*ret_deleted = deleted;
	return 0;
}
