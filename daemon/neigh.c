/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "common/cleanup.h"
#include "daemon/neigh.h"

enum {
	USABLE = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT,
	NEIGHBOURS_MAX = 1024 * 1024,
	DUMP_TRIES = 5,
};

struct collecting {
	unsigned int ifindex;
	struct neighbour *all;
	size_t count, room;
	bool failed;
};

static bool parse_neighbour(const struct nlmsghdr *nlh, unsigned int ifindex,
			    struct neighbour *ret_n)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct neighbour n = {0};
	const struct nlattr *attr;
	bool has_mac = false;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd))
		return false;
	if ((unsigned int)nd->ndm_ifindex != ifindex || !(nd->ndm_state & USABLE))
		return false;
	mnl_attr_for_each (attr, nlh, sizeof(*nd)) {
		uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

		if (type == NDA_DST && (len == 4 || len == 16)) {
			n.addr.family = len == 4 ? 4 : 6;
			memcpy(n.addr.b, mnl_attr_get_payload(attr), len);
		} else if (type == NDA_LLADDR && len == MAC_LEN) {
			memcpy(n.mac.b, mnl_attr_get_payload(attr), MAC_LEN);
			has_mac = true;
		}
	}
	if (!has_mac || !n.addr.family)
		return false;
	*ret_n = n;
	return true;
}

static struct nlmsghdr *request(struct netlink *nl, char *buf, uint16_t flags, uint8_t family,
				unsigned int ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++nl->seq;
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(nlh, sizeof(*nd));

	nd->ndm_family = family;
	/* a strict dump takes the interface as an attribute only */
	if (!(flags & NLM_F_DUMP))
		nd->ndm_ifindex = (int)ifindex;
	else
		mnl_attr_put_u32(nlh, NDA_IFINDEX, ifindex);
	return nlh;
}

static int take_one(const struct nlmsghdr *nlh, void *data)
{
	struct collecting *c = data;

	if (parse_neighbour(nlh, c->ifindex, &c->all[0]))
		c->count = 1;
	return MNL_CB_OK;
}

int neigh_find(struct netlink *nl, unsigned int ifindex, const struct addr *addr,
	       struct mac *ret_mac)
{
	struct neighbour found;
	struct collecting c = {.ifindex = ifindex, .all = &found};
	char buf[256];
	struct nlmsghdr *nlh =
		request(nl, buf, NLM_F_ACK, addr->family == 4 ? AF_INET : AF_INET6, ifindex);

	mnl_attr_put(nlh, NDA_DST, addr->family == 4 ? 4 : 16, addr->b);
	int r = netlink_talk(nl, nlh, nlh->nlmsg_len, nlh->nlmsg_seq, take_one, &c);

	if (r < 0)
		return r;
	if (c.count == 0)
		return -ENOENT;
	*ret_mac = found.mac;
	return 0;
}

static int take_each(const struct nlmsghdr *nlh, void *data)
{
	struct collecting *c = data;

	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 256;
		struct neighbour *all =
			room <= NEIGHBOURS_MAX ? reallocarray(c->all, room, sizeof(*all)) : NULL;

		if (!all) {
			c->failed = true;
			return MNL_CB_OK;
		}
		c->all = all;
		c->room = room;
	}
	if (parse_neighbour(nlh, c->ifindex, &c->all[c->count]))
		c->count++;
	return MNL_CB_OK;
}

/* What the hash tables are of; 0: of the MAC. */
static const void *key_of(const struct neighbour *n, enum neighbours_index index, size_t *ret_len)
{
	*ret_len = index == BY_MAC ? MAC_LEN : n->addr.family == 4 ? 4 : 16;
	return index == BY_MAC ? (const void *)n->mac.b : n->addr.b;
}

/* FNV-1a: a guest that makes its own chain long only makes the search for itself long. */
static uint32_t hash(const void *key, size_t len)
{
	const unsigned char *at = key;
	uint32_t h = 2166136261U;

	while (len-- > 0)
		h = (h ^ *at++) * 16777619U;
	return h ^ h >> 15;
}

static bool build_index(struct neighbours *all, enum neighbours_index index)
{
	uint32_t *buckets = calloc(all->mask + 1, sizeof(*buckets));
	size_t len;

	all->buckets[index] = buckets;
	for (size_t i = 0; i < all->count && buckets; i++) {
		struct neighbour *n = &all->all[i];
		const void *key = key_of(n, index, &len);
		uint32_t *bucket = &buckets[hash(key, len) & all->mask];

		n->next[index] = *bucket;
		*bucket = (uint32_t)i + 1;
	}
	return buckets != NULL;
}

int neighbours_read(struct neighbours *ret_all, struct netlink *nl, unsigned int ifindex)
{
	struct collecting c = {.ifindex = ifindex};
	struct neighbours all = {0};
	char buf[256];
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		c.count = 0;
		r = netlink_dump(nl, request(nl, buf, NLM_F_DUMP, AF_UNSPEC, ifindex), take_each,
				 &c);
	}
	if (r == -EINTR) /* it changes faster than we read; what we have is true all the same */
		r = 0;
	all.all = c.all;
	all.count = c.count;
	while (all.mask < all.count)
		all.mask = 2 * all.mask + 1;
	if (r == 0 && (c.failed || !build_index(&all, BY_MAC) || !build_index(&all, BY_ADDR)))
		r = -ENOMEM;
	if (r < 0) {
		neighbours_finish(&all);
		return r;
	}
	*ret_all = all;
	return 0;
}

void neighbours_finish(struct neighbours *all)
{
	for (size_t i = 0; i < NEIGHBOURS_INDEXES; i++)
		free(all->buckets[i]);
	free(all->all);
	*all = (struct neighbours){0};
}

static const struct neighbour *find(const struct neighbours *all, enum neighbours_index index,
				    uint32_t from, const void *key, size_t len)
{
	for (uint32_t i = from; i > 0; i = all->all[i - 1].next[index]) {
		size_t other_len;
		const void *other = key_of(&all->all[i - 1], index, &other_len);

		if (other_len == len && memcmp(other, key, len) == 0)
			return &all->all[i - 1];
	}
	return NULL;
}

static const struct neighbour *find_first(const struct neighbours *all, enum neighbours_index index,
					  const void *key, size_t len)
{
	if (!all->buckets[index])
		return NULL;
	return find(all, index, all->buckets[index][hash(key, len) & all->mask], key, len);
}

const struct neighbour *neighbours_first(const struct neighbours *all, const struct mac *mac)
{
	return find_first(all, BY_MAC, mac->b, MAC_LEN);
}

const struct neighbour *neighbours_next(const struct neighbours *all, const struct neighbour *n)
{
	return find(all, BY_MAC, n->next[BY_MAC], n->mac.b, MAC_LEN);
}

const struct mac *neighbours_owner(const struct neighbours *all, const struct addr *addr)
{
	const struct neighbour *n = find_first(all, BY_ADDR, addr->b, addr->family == 4 ? 4 : 16);

	return n ? &n->mac : NULL;
}
