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
	DATAGRAMS = 4, /* a turn, of some hundred entries each: a millisecond */
};

/* The one entry that was asked for. */
struct finding {
	unsigned int ifindex;
	struct neighbour found;
	bool any;
};

struct neigh_reader {
	struct netlink nl;
	struct event *readable, *soon;
	struct netlink_dump dump;
	unsigned int ifindex;
	bool reading;
	int tries;
	struct neighbour *all;
	size_t count, room;
	bool failed;
	neigh_read_fn *fn;
	void *data;
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
	struct finding *f = data;

	if (parse_neighbour(nlh, f->ifindex, &f->found))
		f->any = true;
	return MNL_CB_OK;
}

int neigh_find(struct netlink *nl, unsigned int ifindex, const struct addr *addr,
	       struct mac *ret_mac)
{
	struct finding f = {.ifindex = ifindex};
	char buf[256];
	struct nlmsghdr *nlh =
		request(nl, buf, NLM_F_ACK, addr->family == 4 ? AF_INET : AF_INET6, ifindex);

	mnl_attr_put(nlh, NDA_DST, addr->family == 4 ? 4 : 16, addr->b);
	int r = netlink_talk(nl, nlh, nlh->nlmsg_len, nlh->nlmsg_seq, take_one, &f);

	if (r < 0)
		return r;
	if (!f.any)
		return -ENOENT;
	*ret_mac = f.found.mac;
	return 0;
}

static int take_each(const struct nlmsghdr *nlh, void *data)
{
	struct neigh_reader *r = data;

	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 256;
		struct neighbour *all =
			room <= NEIGHBOURS_MAX ? reallocarray(r->all, room, sizeof(*all)) : NULL;

		if (!all) {
			r->failed = true;
			return MNL_CB_OK;
		}
		r->all = all;
		r->room = room;
	}
	if (parse_neighbour(nlh, r->ifindex, &r->all[r->count]))
		r->count++;
	return MNL_CB_OK;
}

/* The callee may ask again at once. */
static void finish(struct neigh_reader *r, int error)
{
	struct neighbours all = {.all = r->all, .count = r->count};

	r->all = NULL;
	r->count = r->room = 0;
	r->reading = false;
	if (error == 0 && r->failed)
		error = -ENOMEM;
	if (error == 0)
		error = neighbours_build(&all);
	if (error < 0)
		neighbours_finish(&all);
	r->fn(r->data, error, &all);
}

static int ask(struct neigh_reader *r)
{
	char buf[256];

	r->count = 0;
	return netlink_dump_begin(&r->nl, request(&r->nl, buf, NLM_F_DUMP, AF_UNSPEC, r->ifindex),
				  &r->dump);
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	struct neigh_reader *r = data;
	int error = 0;

	(void)fd;
	(void)what;
	for (int i = 0; i < DATAGRAMS && error == 0; i++)
		error = netlink_dump_next(&r->nl, &r->dump, MSG_DONTWAIT, take_each, r);
	if (!r->reading)
		return;
	if (error == -EINTR && ++r->tries < DUMP_TRIES)
		error = ask(r);
	/* it changes faster than we read: what we have is true all the same */
	if (error == 1 || error == -EINTR)
		finish(r, 0);
	else if (error < 0 && error != -EAGAIN)
		finish(r, error);
}

static void on_soon(evutil_socket_t fd, short what, void *data)
{
	struct neigh_reader *r = data;
	int error = r->ifindex ? ask(r) : 0;

	(void)fd;
	(void)what;
	if (error < 0 || !r->ifindex)
		finish(r, error);
}

int neigh_reader_create(struct event_base *base, struct neigh_reader **ret_reader)
{
	struct neigh_reader *r = calloc(1, sizeof(*r));
	int error = r ? netlink_init(&r->nl, NETLINK_ROUTE, 0) : -ENOMEM;

	if (error == 0) {
		r->readable = event_new(base, mnl_socket_get_fd(r->nl.socket), EV_READ | EV_PERSIST,
					on_readable, r);
		r->soon = evtimer_new(base, on_soon, r);
		if (!r->readable || !r->soon || event_add(r->readable, NULL) < 0)
			error = -ENOMEM;
	}
	if (error < 0)
		neigh_reader_destroy(r);
	else
		*ret_reader = r;
	return error;
}

void neigh_reader_destroy(struct neigh_reader *r)
{
	if (!r)
		return;
	if (r->readable)
		event_free(r->readable);
	if (r->soon)
		event_free(r->soon);
	netlink_finish(&r->nl);
	free(r->all);
	free(r);
}

void neigh_read(struct neigh_reader *r, unsigned int ifindex, neigh_read_fn *fn, void *data)
{
	static const struct timeval now;

	r->ifindex = ifindex;
	r->fn = fn;
	r->data = data;
	r->tries = 0;
	r->reading = true;
	r->failed = false;
	evtimer_add(r->soon, &now);
}
