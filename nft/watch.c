/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libnftnl/table.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "common/cleanup.h"
#include "nft/watch.h"

static const struct {
	uint16_t family;
	const char *name;
} tables[WATCHED_TABLES] = {
	/* the guard is the last one */
	{NFPROTO_INET, "portald"},
	{NFPROTO_NETDEV, "portald"},
	{NFPROTO_INET, "portald_guard"},
};

static uint16_t message(uint16_t type)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
}

/* The first message of a datagram decides: one datagram holds messages of one transaction.  What
 * else a transaction does that begins with elements shows by NFT_MSG_NEWGEN, which comes alone. */
static int attach_filter(const struct watch *w)
{
	const struct sock_filter code[] = {
		/* a filter reads in network order what netlink writes in the host's */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(w->nl->portid), 4, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(message(NFT_MSG_NEWSETELEM)), 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(message(NFT_MSG_DELSETELEM)), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]),
					   (struct sock_filter *)(uintptr_t)code};

	if (setsockopt(mnl_socket_get_fd(w->events.socket), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0)
		return -errno;
	return 0;
}

int watch_init(struct watch *w, struct netlink *nl)
{
	int r = netlink_init(&w->events, NETLINK_NETFILTER, 0);

	w->nl = nl;
	snprintf(w->by, sizeof(w->by), "somebody");
	return r < 0 ? r : attach_filter(w);
}

void watch_finish(struct watch *w)
{
	netlink_finish(&w->events);
}

static int set_membership(struct watch *w, int option)
{
	int group = NFNLGRP_NFTABLES;

	if (mnl_socket_setsockopt(w->events.socket, option, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

int watch_pause(struct watch *w)
{
	return set_membership(w, NETLINK_DROP_MEMBERSHIP);
}

int watch_resume(struct watch *w)
{
	return set_membership(w, NETLINK_ADD_MEMBERSHIP);
}

static void table_freep(struct nftnl_table **t)
{
	if (*t)
		nftnl_table_free(*t);
}

static int take_handle(const struct nlmsghdr *nlh, void *data)
{
	CLEANUP(table_freep) struct nftnl_table *t = nftnl_table_alloc();
	uint64_t *handle = data;

	if (t && nftnl_table_nlmsg_parse(nlh, t) == 0)
		*handle = nftnl_table_get_u64(t, NFTNL_TABLE_HANDLE);
	return MNL_CB_OK;
}

static int find_handle(struct watch *w, size_t table, uint64_t *ret_handle)
{
	CLEANUP(table_freep) struct nftnl_table *t = nftnl_table_alloc();
	uint64_t handle = 0;
	char buf[256];

	if (!t || nftnl_table_set_str(t, NFTNL_TABLE_NAME, tables[table].name) < 0)
		return -ENOMEM;
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, tables[table].family,
						     NLM_F_ACK, ++w->nl->seq);

	nftnl_table_nlmsg_build_payload(nlh, t);
	int r = netlink_talk(w->nl, nlh, nlh->nlmsg_len, w->nl->seq, take_handle, &handle);

	if (r < 0)
		return r;
	*ret_handle = handle;
	return handle ? 0 : -ENOMEM;
}

int watch_remember(struct watch *w)
{
	for (size_t i = 0; i < WATCHED_TABLES; i++) {
		const bool made = w->egress || tables[i].family != NFPROTO_NETDEV;
		int r = made ? find_handle(w, i, &w->handles[i]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int watch_remember_guard(struct watch *w)
{
	return find_handle(w, WATCHED_TABLES - 1, &w->handles[WATCHED_TABLES - 1]);
}

/* 1: one is not what it was. */
static int compare_handles(struct watch *w)
{
	for (size_t i = 0; i < WATCHED_TABLES; i++) {
		uint64_t handle = 0;
		int r = w->handles[i] ? find_handle(w, i, &handle) : 0;

		if (r < 0 && r != -ENOENT)
			return r;
		if (handle != w->handles[i])
			return 1;
	}
	return 0;
}

/* Chains, rules and sets name their table, under the same number. */
_Static_assert((int)NFTA_RULE_TABLE == (int)NFTA_TABLE_NAME &&
		       (int)NFTA_CHAIN_TABLE == (int)NFTA_TABLE_NAME &&
		       (int)NFTA_SET_TABLE == (int)NFTA_TABLE_NAME,
	       "one number for all");

static bool is_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			return strcmp(mnl_attr_get_str(attr), "portald") == 0;
	}
	return false;
}

/* NFT_MSG_NEWGEN says who changed something. */
static void note_program(struct watch *w, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return;
	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			snprintf(w->by, sizeof(w->by), "%s", mnl_attr_get_str(attr));
	}
}

static bool takes_away(struct watch *w, const void *buf, size_t len)
{
	const struct nlmsghdr *nlh = buf;
	bool away = false;

	for (int left = (int)len; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == message(NFT_MSG_NEWGEN))
			note_program(w, nlh);
		if (nlh->nlmsg_type != message(NFT_MSG_DELRULE) &&
		    nlh->nlmsg_type != message(NFT_MSG_DELCHAIN) &&
		    nlh->nlmsg_type != message(NFT_MSG_DELSET))
			continue;
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct nfgenmsg) && is_ours(nlh))
			away = true;
	}
	return away;
}

/* After a loss nothing is known of rules, so they are taken for gone. */
static int drain(struct watch *w)
{
	alignas(struct nlmsghdr) char buf[16384];
	bool away = false;

	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(w->events.socket), buf, sizeof(buf),
				 MSG_DONTWAIT | MSG_TRUNC);

		if (n >= 0 && (size_t)n <= sizeof(buf))
			away = takes_away(w, buf, (size_t)n) || away;
		else if (n >= 0 || errno == ENOBUFS)
			away = true;
		else if (errno == EAGAIN)
			return away;
		else if (errno != EINTR)
			return -errno;
	}
}

int watch_look(struct watch *w)
{
	int r = compare_handles(w);

	w->missed = w->missed || r > 0;
	return r < 0 ? r : 0;
}

void watch_forget(struct watch *w)
{
	memset(w->handles, 0, sizeof(w->handles));
}

int watch_take(struct watch *w)
{
	int r = drain(w);

	if (w->missed && r == 0)
		r = 1;
	w->missed = false;
	return r != 0 ? r : compare_handles(w);
}
