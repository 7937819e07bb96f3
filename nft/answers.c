/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "common/descriptors.h"
#include "common/log.h"
#include "common/msg.h"
#include "nft/answers.h"

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
	int r = queue_bind(&a->queue, number, NFQA_CFG_F_FAIL_OPEN);

	if (r < 0) {
		log_warning(
			"NFQUEUE %u for DNS answers: %s; host names in walled-garden and the hosts of the "
			"certificate stay closed, addresses are open; if other software has the queue, set "
			"queue-first, else this kernel lacks nfnetlink_queue",
			number, strerror(-r));
		return 1;
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

int answers_accept(struct answers *a, uint32_t packet_id)
{
	return queue_verdict(&a->queue, a->number, NFQNL_MSG_VERDICT, NF_ACCEPT, packet_id);
}
