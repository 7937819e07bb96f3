/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "common/link.h"

static bool is_kind(const struct nlattr *attr, const char *kind)
{
	return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
	       strcmp(mnl_attr_get_str(attr), kind) == 0;
}

static void take_kinds(const struct nlattr *linkinfo, struct link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, linkinfo)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			link->bridge = is_kind(attr, "bridge");
		else if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
			link->bridge_port = is_kind(attr, "bridge");
	}
}

static int take_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct link *link = data;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return MNL_CB_OK;
	link->index = (uint32_t)ifi->ifi_index;
	link->type = ifi->ifi_type;
	mnl_attr_for_each (attr, nlh, sizeof(*ifi)) {
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			take_kinds(attr, link);
		else if (mnl_attr_get_type(attr) == IFLA_ADDRESS &&
			 mnl_attr_get_payload_len(attr) == MAC_LEN)
			memcpy(link->mac.b, mnl_attr_get_payload(attr), MAC_LEN);
		else if (mnl_attr_get_type(attr) == IFLA_MTU && mnl_attr_get_payload_len(attr) == 4)
			link->mtu = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

int link_find(struct netlink *nl, const char *name, struct link *ret_link)
{
	struct link link = {0};
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++nl->seq;
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	int r = netlink_talk(nl, nlh, nlh->nlmsg_len, nlh->nlmsg_seq, take_link, &link);

	if (r < 0 && r != -ENODEV)
		return r;
	*ret_link = link;
	return 0;
}

bool link_equal(const struct link *a, const struct link *b)
{
	return a->index == b->index && a->type == b->type && a->bridge_port == b->bridge_port &&
	       mac_equal(&a->mac, &b->mac) && a->mtu == b->mtu &&
	       addr_equal(&a->addrs[0], &b->addrs[0]) && addr_equal(&a->addrs[1], &b->addrs[1]);
}

static int take_addr(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct link *link = data;
	struct addr addr = {0};

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa) ||
	    ifa->ifa_index != link->index || ifa->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DEPRECATED))
		return MNL_CB_OK;
	/* IPv4 has its own address in IFA_LOCAL, where a point-to-point link has its peer's in
	 * IFA_ADDRESS */
	mnl_attr_for_each (attr, nlh, sizeof(*ifa)) {
		uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

		if (ifa->ifa_family == AF_INET && type == IFA_LOCAL && len == 4)
			addr.family = 4;
		else if (ifa->ifa_family == AF_INET6 && type == IFA_ADDRESS && len == 16)
			addr.family = 6;
		else
			continue;
		memcpy(addr.b, mnl_attr_get_payload(attr), len);
	}
	if (addr.family && !addr_is_link_local(&addr) && !link->addrs[addr.family == 6].family)
		link->addrs[addr.family == 6] = addr;
	return MNL_CB_OK;
}

int link_find_addrs(struct netlink *nl, struct link *link)
{
	char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++nl->seq;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
	memset(link->addrs, 0, sizeof(link->addrs));
	int r = netlink_dump(nl, nlh, take_addr, link);

	return r == -EINTR ? 0 : r; /* the watch tells of the change */
}

int link_watch_init(struct netlink *nl)
{
	return netlink_init(nl, NETLINK_ROUTE,
			    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
}

/* A bridge also says "deleted" (AF_BRIDGE) of a port that leaves it. */
static void tell_gone(const void *buf, size_t len, link_gone_fn *gone, void *data)
{
	const struct nlmsghdr *nlh = buf;

	for (int left = (int)len; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_type == RTM_DELLINK &&
		    mnl_nlmsg_get_payload_len(nlh) >= sizeof(*ifi) && ifi->ifi_family == AF_UNSPEC)
			gone(data, (uint32_t)ifi->ifi_index);
	}
}

int link_watch_drain(struct netlink *nl, link_gone_fn *gone, void *data)
{
	alignas(struct nlmsghdr) char buf[8192];

	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(nl->socket), buf, sizeof(buf),
				 MSG_DONTWAIT | MSG_TRUNC);

		if (n >= 0 && (size_t)n <= sizeof(buf))
			tell_gone(buf, (size_t)n, gone, data);
		else if (n >= 0 || errno == ENOBUFS)
			gone(data, 0);
		else if (errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
}
