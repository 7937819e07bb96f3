/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libnftnl/common.h>
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
#include "nft/rule.h"

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

static int send_verdict(struct queue *q, uint16_t number, uint16_t type, uint32_t verdict,
			uint32_t id)
{
	const struct nfqnl_msg_verdict_hdr head = {.verdict = htonl(verdict), .id = htonl(id)};
	char buf[128];
	struct nlmsghdr *nlh = put_head(buf, number, type, 0);

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(head), &head);
	/* no answer is asked for: this socket's answers go to the worker, who reads packets there */
	return mnl_socket_sendto(q->nl.socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* Ids run from 1 and wrap; what lies before the last one has its verdict already. */
int queue_verdict(struct queue *q, uint16_t number, uint16_t type, uint32_t verdict, uint32_t id)
{
	if ((int32_t)(id - q->last_id) <= 0)
		return -EBADMSG;
	q->last_id = id;
	return send_verdict(q, number, type, verdict, id);
}

int queue_release(struct queue *q, uint16_t number, uint32_t count)
{
	return send_verdict(q, number, NFQNL_MSG_VERDICT_BATCH, NF_ACCEPT, q->last_id + count);
}

/* Of a packet as the kernel tells of it; 0: it is none. */
static uint32_t packet_id(const struct nlmsghdr *nlh, size_t len)
{
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
	struct nfqnl_msg_packet_hdr head;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
	    len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) + MNL_ATTR_HDRLEN + sizeof(head) ||
	    mnl_attr_get_type(attr) != NFQA_PACKET_HDR)
		return 0;
	memcpy(&head, mnl_attr_get_payload(attr), sizeof(head));
	return ntohl(head.packet_id);
}

/* Reads up to the answer to a request and no further: what follows is the worker's.  Packets that come before it are done
 * with: *ret_id is the last one's, or 0. */
static int take_answer(int fd, uint32_t *ret_id)
{
	union {
		struct nlmsghdr head;
		char bytes[256];
	} buf;

	for (*ret_id = 0;;) {
		const ssize_t n = recv(fd, &buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if ((size_t)n >= MNL_NLMSG_HDRLEN + sizeof(int) &&
		    buf.head.nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)mnl_nlmsg_get_payload(&buf.head))->error;
		const uint32_t id = packet_id(&buf.head, (size_t)n);

		*ret_id = id ? id : *ret_id;
	}
}

/* In one message: packets that come to a queue without a mode are dropped, whatever its flags and its rule say. */
int queue_bind(struct queue *q, uint16_t number, uint32_t length, uint32_t flags)
{
	const struct nfqnl_msg_config_cmd bind_cmd = {.command = NFQNL_CFG_CMD_BIND};
	const struct nfqnl_msg_config_params copy = {.copy_range = htonl(PACKET_BYTES),
						     .copy_mode = NFQNL_COPY_PACKET};
	const int on = 1, size = QUEUE_BUFFER;
	const int fd = mnl_socket_get_fd(q->nl.socket);
	uint32_t id;
	char buf[256];
	struct nlmsghdr *nlh = put_head(buf, number, NFQNL_MSG_CONFIG, NLM_F_ACK);

	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(bind_cmd), &bind_cmd);
	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(copy), &copy);
	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(length));
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (mnl_socket_sendto(q->nl.socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	int r = take_answer(fd, &id);

	if (r == 0 && id)
		r = queue_verdict(q, number, NFQNL_MSG_VERDICT_BATCH,
				  flags & NFQA_CFG_F_FAIL_OPEN ? NF_ACCEPT : NF_DROP, id);
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

static int add_target(struct nftnl_rule *rule, const struct queue_target *to)
{
	const struct xt_NFQ_info_v3 wanted = {.queuenum = to->first,
					      .queues_total = to->count,
					      .flags = to->bypass ? NFQ_FLAG_BYPASS : 0};
	struct nftnl_expr *target = rule_add_expr(rule, "target");
	void *info = target ? calloc(1, XT_ALIGN(sizeof(wanted))) : NULL;

	if (!info)
		return -ENOMEM;
	memcpy(info, &wanted, sizeof(wanted));
	nftnl_expr_set_str(target, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(target, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(target, NFTNL_EXPR_TG_INFO, info, XT_ALIGN(sizeof(wanted)));
	return 0;
}

static int add_expression(struct nftnl_rule *rule, const struct queue_target *to)
{
	struct nftnl_expr *queue = rule_add_expr(rule, "queue");

	if (!queue)
		return -ENOMEM;
	nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_NUM, to->first);
	nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_TOTAL, to->count);
	nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_FLAGS, to->bypass ? NFT_QUEUE_FLAG_BYPASS : 0);
	return 0;
}

int queue_add_rule(struct tables *t, bool native, const char *zone, const char *suffix,
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
	    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0 ||
	    (native ? add_expression(rule, to) : add_target(rule, to)) < 0)
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
