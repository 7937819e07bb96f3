/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "common/descriptors.h"
#include "common/msg.h"
#include "nft/answers.h"

enum {
	/* Answers that wait count against their resolver's socket, and one whose buffer (212,992 bytes) is full stands still,
	 * for members too.  So many fit, of the size that resolvers send at most unless told otherwise: 1232 bytes, which take
	 * 2304. */
	ANSWERS_LENGTH = 64,
};

int answers_prepare(struct answers *a)
{
	return netlink_init(&a->queue.nl, NETLINK_NETFILTER, 0);
}

void answers_finish(struct answers *a)
{
	netlink_finish(&a->queue.nl);
}

int answers_open(struct answers *a, uint16_t number)
{
	const struct queue_open open = {.head = {MSG_QUEUE_OPEN, 0}};

	if (a->opened)
		return 0;
	/* answers for which there is no room go on at once, and open nothing */
	int r = queue_bind(&a->queue, number, ANSWERS_LENGTH, NFQA_CFG_F_FAIL_OPEN);

	if (r < 0) {
		snprintf(a->trouble, sizeof(a->trouble), "NFQUEUE %u: %s", number, queue_why(r));
		return 0;
	}
	a->number = number;
	a->opened = true;
	return msg_send(FD_ANSWERS, &open.head, mnl_socket_get_fd(a->queue.nl.socket));
}

int answers_place(const struct answers *a, uint32_t zone, uint32_t ifindex)
{
	const struct queue_zone msg = {
		.head = {MSG_QUEUE_ZONE, 0}, .zone = zone, .ifindex = ifindex};

	return a->there ? msg_send(FD_ANSWERS, &msg.head, -1) : 0;
}

int answers_release(struct answers *a)
{
	return a->opened ? queue_release(&a->queue, a->number, ANSWERS_LENGTH) : 0;
}

int answers_accept(struct answers *a, uint32_t packet_id)
{
	return queue_verdict(&a->queue, a->number, NFQNL_MSG_VERDICT, NF_ACCEPT, packet_id);
}
