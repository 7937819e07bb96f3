/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into portald and what it starts, by tests: a kernel that lacks something.
 *
 * What a program asks nf_tables is changed on its way so that the kernel itself refuses it, at the same place and with the
 * same error as one that lacks it:
 *   LACKS=egress   a chain at the netdev family's egress hook is one at a hook that no kernel has
 *   LACKS=netdev   everything of the netdev family is of a family that nf_tables does not have
 *   LACKS=queue    nft's expression "queue" and the target NFQUEUE have names that no kernel knows
 *   LACKS=names    who asks for the elements of sets that host names open asks a part of netfilter that there is not
 *   LACKS=nfnetlink_queue    what is for queues is for a part of netfilter that there is not
 *   LACKS=haste    nothing, but each transaction of libnftables begins HASTE milliseconds later, and is answered as much later
 *   LACKS=speed    nothing, but each other transaction, of elements, begins as much later
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { HASTE = 300 };

enum { NO_HOOK = 9, NO_FAMILY = 12, NO_SUBSYSTEM = 0x7f };

static struct nlattr *find_attr(char *begin, const char *end, uint16_t type)
{
	for (char *p = begin; (size_t)(end - p) >= sizeof(struct nlattr);) {
		struct nlattr *attr = (void *)p;

		if (attr->nla_len < sizeof(*attr) || attr->nla_len > end - p)
			return NULL;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		p += NLA_ALIGN(attr->nla_len) < end - p ? NLA_ALIGN(attr->nla_len) : end - p;
	}
	return NULL;
}

static void hide_egress(struct nlmsghdr *nlh)
{
	char *body = (char *)nlh + NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
	struct nlattr *hook = find_attr(body, (char *)nlh + nlh->nlmsg_len, NFTA_CHAIN_HOOK);
	struct nlattr *number = hook ? find_attr((char *)(hook + 1), (char *)hook + hook->nla_len,
						 NFTA_HOOK_HOOKNUM)
				     : NULL;
	uint32_t value;

	if (!number || number->nla_len < sizeof(*number) + sizeof(value))
		return;
	memcpy(&value, number + 1, sizeof(value));
	if (value == htonl(NF_NETDEV_EGRESS))
		memcpy(number + 1, &(uint32_t){htonl(NO_HOOK)}, sizeof(value));
}

/* Attributes that hold such a name and nothing else: of an expression and of a target, which have the same number. */
static void hide_queue(struct nlmsghdr *nlh)
{
	static const struct {
		struct nlattr attr;
		char name[8];
	} names[] = {{{sizeof(struct nlattr) + sizeof("queue"), NFTA_EXPR_NAME}, "queue"},
		     {{sizeof(struct nlattr) + sizeof("NFQUEUE"), NFTA_TARGET_NAME}, "NFQUEUE"}};
	const char *end = (char *)nlh + nlh->nlmsg_len;

	for (char *p = NLMSG_DATA(nlh); p < end; p += NLA_ALIGNTO) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (end - p >= names[i].attr.nla_len &&
			    memcmp(p, &names[i], names[i].attr.nla_len) == 0)
				p[sizeof(struct nlattr)] = 'X';
		}
	}
}

static void change_message(struct nlmsghdr *nlh, const char *lacks)
{
	const uint16_t subsystem = nlh->nlmsg_type >> 8, type = nlh->nlmsg_type & 0xff;
	struct nfgenmsg *nfg = NLMSG_DATA(nlh);

	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*nfg)))
		return;
	const bool nft = subsystem == NFNL_SUBSYS_NFTABLES;
	const bool netdev = nft && nfg->nfgen_family == NFPROTO_NETDEV;

	if (netdev && strcmp(lacks, "netdev") == 0)
		nfg->nfgen_family = NO_FAMILY;
	else if (netdev && strcmp(lacks, "egress") == 0 && type == NFT_MSG_NEWCHAIN)
		hide_egress(nlh);
	else if (nft && strcmp(lacks, "queue") == 0 && type == NFT_MSG_NEWRULE)
		hide_queue(nlh);
	else if (nft && strcmp(lacks, "names") == 0 && type == NFT_MSG_GETSETELEM &&
		 memmem(nlh, nlh->nlmsg_len, "_names", 6))
		nlh->nlmsg_type = (uint16_t)(NO_SUBSYSTEM << 8 | type);
	else if (subsystem == NFNL_SUBSYS_QUEUE && strcmp(lacks, "nfnetlink_queue") == 0)
		nlh->nlmsg_type = (uint16_t)(NO_SUBSYSTEM << 8 | type);
}

static void change(void *buf, size_t len)
{
	const char *lacks = getenv("LACKS");

	for (size_t at = 0; lacks && len - at >= sizeof(struct nlmsghdr);) {
		struct nlmsghdr *nlh = (void *)((char *)buf + at);

		if (nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > len - at)
			return;
		change_message(nlh, lacks);
		at += NLMSG_ALIGN(nlh->nlmsg_len) < len - at ? NLMSG_ALIGN(nlh->nlmsg_len)
							     : len - at;
	}
}

static int is_netlink(const struct sockaddr *to)
{
	return to && to->sa_family == AF_NETLINK;
}

static int lacks_speed(const void *buf, size_t len)
{
	const char *lacks = getenv("LACKS");
	const struct nlmsghdr *nlh = buf;

	return lacks && strcmp(lacks, "speed") == 0 && len >= sizeof(*nlh) &&
	       nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t len, int flags, __CONST_SOCKADDR_ARG to,
		      socklen_t to_len)
{
	void *copy = is_netlink(to.__sockaddr__) ? malloc(len) : NULL;

	if (copy) {
		memcpy(copy, buf, len);
		change(copy, len);
		buf = copy;
	}
	if (is_netlink(to.__sockaddr__) && lacks_speed(buf, len))
		poll(NULL, 0, HASTE); /* sealed processes may call it */
	const ssize_t n = syscall(SYS_sendto, fd, buf, len, flags, to.__sockaddr__, to_len);
	const int error = errno;

	free(copy);
	errno = error;
	return n;
}

static int begins_transaction(const struct msghdr *msg)
{
	const struct nlmsghdr *nlh = msg->msg_iovlen ? msg->msg_iov[0].iov_base : NULL;

	return nlh && msg->msg_iov[0].iov_len >= sizeof(*nlh) &&
	       nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
}

/* libnftables, whose pieces each hold whole messages and are its own. */
EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	for (size_t i = 0; i < msg->msg_iovlen && is_netlink(msg->msg_name); i++)
		change(msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
	const char *lacks = getenv("LACKS");
	const int ms = lacks && strcmp(lacks, "haste") == 0 && is_netlink(msg->msg_name) &&
				       begins_transaction(msg)
			       ? HASTE
			       : 0;

	poll(NULL, 0, ms);
	const ssize_t n = syscall(SYS_sendmsg, fd, msg, flags);
	const int error = errno;

	poll(NULL, 0, ms);
	errno = error;
	return n;
}
