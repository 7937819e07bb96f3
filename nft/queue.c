/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include "common/cleanup.h"
#include "common/descriptors.h"
#include "common/log.h"
#include "common/msg.h"
#include "nft/queue.h"

enum {
	QUEUE_LENGTH =
		2048, /* packets that wait for a worker or to be dropped; the kernel drops more */
	PACKET_BYTES = 0xffff,		/* of each packet, as much as there is */
	QUEUE_BUFFER = 4 * 1024 * 1024, /* of the worker's socket */
};

bool queue_is_native(struct tables *t)
{
	char error[ERROR_TEXT_MAX];

	return tables_run(t,
			  "add table inet portald-probe\n"
			  "add chain inet portald-probe c\n"
			  "add rule inet portald-probe c queue num 0\n"
			  "delete table inet portald-probe\n",
			  error) == 0;
}

static struct nlmsghdr *put_head(char *buf, uint16_t number, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(number);
	return nlh;
}

static int talk(struct queue *q, struct nlmsghdr *nlh)
{
	nlh->nlmsg_seq = ++q->nl.seq;
	return netlink_talk(&q->nl, nlh, nlh->nlmsg_len, nlh->nlmsg_seq, NULL, NULL);
}

static int configure(struct queue *q, uint16_t number, const void *attr, size_t len, uint16_t type)
{
	char buf[256];
	struct nlmsghdr *nlh = put_head(buf, number, NFQNL_MSG_CONFIG, NLM_F_ACK);

	mnl_attr_put(nlh, type, len, attr);
	return talk(q, nlh);
}

static int set_flags(struct queue *q, uint16_t number, uint32_t flags)
{
	char buf[256];
	struct nlmsghdr *nlh = put_head(buf, number, NFQNL_MSG_CONFIG, NLM_F_ACK);

	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
	return talk(q, nlh);
}

int queue_bind(struct queue *q, uint16_t number, uint32_t length, uint32_t flags)
{
	const struct nfqnl_msg_config_cmd bind_cmd = {.command = NFQNL_CFG_CMD_BIND};
	const struct nfqnl_msg_config_params copy = {.copy_range = htonl(PACKET_BYTES),
						     .copy_mode = NFQNL_COPY_PACKET};
	const uint32_t max = htonl(length);
	const int on = 1, size = QUEUE_BUFFER;
	int fd = mnl_socket_get_fd(q->nl.socket);
	int r = configure(q, number, &bind_cmd, sizeof(bind_cmd), NFQA_CFG_CMD);

	if (r == 0)
		r = configure(q, number, &max, sizeof(max), NFQA_CFG_QUEUE_MAXLEN);
	if (r == 0 && flags)
		r = set_flags(q, number, flags);
	if (r == 0) /* last: from here on packets come */
		r = configure(q, number, &copy, sizeof(copy), NFQA_CFG_PARAMS);
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return r;
}

/* Another socket's queue is -EPERM, a kernel that knows no queues -EINVAL (nfnetlink_rcv_msg()). */
const char *queue_why(int error)
{
	switch (error) {
	case -EPERM:
	case -EBUSY:
		return "another program has it (/proc/net/netfilter/nfnetlink_queue); end that one, or set "
		       "queue-first";
	case -EINVAL:
		return "this kernel has no queues for packets; load or build nfnetlink_queue";
	default:
		return strerror(-error);
	}
}

/* Sockets are opened before the seal; their queues are bound later (queues_open). */
int queues_prepare(struct queues *q, uint16_t count)
{
	for (q->count = 0; q->count < count; q->count++) {
		int r = netlink_init(&q->each[q->count].nl, NETLINK_NETFILTER, 0);

		if (r < 0)
			return r;
	}
	return 0;
}

int queues_open(struct queues *q, uint16_t first)
{
	const struct queue_open open = {.head = {MSG_QUEUE_OPEN, 0}};

	for (uint16_t i = 0; i < q->count && !q->opened; i++) {
		/* segments that the network stack has joined come as one: taken apart again, the
		 * kernel (6.18) tells no MAC of them */
		int r = queue_bind(&q->each[i], (uint16_t)(first + i), QUEUE_LENGTH,
				   NFQA_CFG_F_GSO);

		if (r < 0)
			log_error("NFQUEUE %d for divert \"queue\": %s", first + i, queue_why(r));
		if (r == 0)
			r = msg_send(FD_CHANNELS + i, &open.head,
				     mnl_socket_get_fd(q->each[i].nl.socket));
		if (r < 0)
			return r;
	}
	q->first = first;
	q->opened = true;
	return 0;
}

void queues_finish(struct queues *q)
{
	for (uint16_t i = 0; i < q->count; i++)
		netlink_finish(&q->each[i].nl);
	q->count = 0;
}

static void rule_freep(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

static int add_target(struct nftnl_rule *rule, const struct queue_target *to)
{
	const struct xt_NFQ_info_v3 wanted = {.queuenum = to->first,
					      .queues_total = to->count,
					      .flags = to->bypass ? NFQ_FLAG_BYPASS : 0};
	struct nftnl_expr *target = nftnl_expr_alloc("target");
	void *info = target ? calloc(1, XT_ALIGN(sizeof(wanted))) : NULL;

	if (!info) {
		if (target)
			nftnl_expr_free(target);
		return -ENOMEM;
	}
	memcpy(info, &wanted, sizeof(wanted));
	nftnl_expr_set_str(target, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(target, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(target, NFTNL_EXPR_TG_INFO, info, XT_ALIGN(sizeof(wanted)));
	nftnl_rule_add_expr(rule, target);
	return 0;
}

int queue_add_compat_rule(struct tables *t, const char *zone, const char *suffix,
			  const struct queue_target *to)
{
	CLEANUP(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();
	char buf[4096], chain[64];
	size_t len;

	if (!rule)
		return -ENOMEM;
	snprintf(chain, sizeof(chain), "z_%s_%s", zone, suffix);
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	if (nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, "portald") < 0 ||
	    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0 || add_target(rule, to) < 0)
		return -ENOMEM;
	len = nftnl_batch_begin(buf, ++t->nl->seq)->nlmsg_len;
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf + len, NFT_MSG_NEWRULE, NFPROTO_INET,
						     NLM_F_CREATE | NLM_F_ACK, ++t->nl->seq);
	uint32_t acked = t->nl->seq;

	nftnl_rule_nlmsg_build_payload(nlh, rule);
	len += MNL_ALIGN(nlh->nlmsg_len);
	len += nftnl_batch_end(buf + len, ++t->nl->seq)->nlmsg_len;
	return netlink_talk(t->nl, buf, len, acked, NULL, NULL);
}

/* Ids run from 1 and wrap; what lies before the last one has its verdict already. */
int queue_verdict(struct queue *q, uint16_t number, uint16_t type, uint32_t verdict, uint32_t id)
{
	const struct nfqnl_msg_verdict_hdr head = {.verdict = htonl(verdict), .id = htonl(id)};
	char buf[128];

	if ((int32_t)(id - q->last_id) <= 0)
		return -EBADMSG;
	q->last_id = id;
	struct nlmsghdr *nlh = put_head(buf, number, type, 0);

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(head), &head);
	/* no answer is asked for: this socket's answers go to the worker, who reads packets there */
	return mnl_socket_sendto(q->nl.socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

int queues_take(struct queues *q, uint16_t i)
{
	static union msg msg;
	int r = msg_recv(FD_CHANNELS + i, &msg, NULL);

	if (r < 0)
		return r;
	if (msg.head.type != MSG_QUEUE_DROP)
		return -EBADMSG;
	return queue_verdict(&q->each[i], (uint16_t)(q->first + i), NFQNL_MSG_VERDICT_BATCH,
			     NF_DROP, msg.queue_drop.packet_id);
}

int queues_bind(struct queues *q, uint32_t zone, unsigned int nth, const struct link *link)
{
	/* protocol 0: the socket sends and never receives */
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_ifindex = (int)link->index};
	const struct queue_zone msg = {
		.head = {MSG_QUEUE_ZONE, 0},
		.zone = zone,
		.ifindex = link->index,
		.mtu = link->mtu,
		.mac = link->mac,
		.addrs = {link->addrs[0], link->addrs[1]},
	};

	for (uint16_t i = 0; i < q->count; i++) {
		int fd = FD_CHANNELS + q->count + (int)nth * q->count + i;

		if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
			return -errno;
		int r = msg_send(FD_CHANNELS + i, &msg.head, -1);

		if (r < 0)
			return r;
	}
	return 0;
}
