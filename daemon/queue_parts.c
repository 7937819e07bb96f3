/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_packet.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/msg.h"
#include "daemon/config.h"
#include "daemon/queue_parts.h"

/* Protocol 0: it receives nothing, and the gate's bind() does not change that. */
static int open_packet_socket(int *ret_fd)
{
	const int on = 1;
	CLEANUP(cleanup_close)
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int open_channels(struct queue_parts *q, size_t workers)
{
	for (q->workers = 0; q->workers < workers; q->workers++) {
		int pair[2];
		int r = msg_socketpair(pair);

		if (r < 0)
			return r;
		q->gate_ends[q->workers] = pair[0];
		q->web_ends[q->workers] = pair[1];
	}
	return 0;
}

static int open_packet_sockets(struct queue_parts *q, const struct config *config)
{
	for (size_t i = 0; i < config->zone_count; i++) {
		if (config->zones[i].divert != DIVERT_QUEUE)
			continue;
		int *sockets = &q->packet[q->zones * q->workers];

		for (size_t k = 0; k < q->workers; k++)
			sockets[k] = -1;
		q->zones++;
		for (size_t k = 0; k < q->workers; k++) {
			int r = open_packet_socket(&sockets[k]);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int open_answers(struct queue_parts *q)
{
	int pair[2];
	int r = msg_socketpair(pair);

	q->gate_answers = r == 0 ? pair[0] : -1;
	q->web_answers = r == 0 ? pair[1] : -1;
	return r;
}

int queue_parts_init(struct queue_parts *q, const struct config *config)
{
	int r = open_answers(q);

	if (r == 0)
		r = open_channels(q, config_queues(config));
	if (r == 0 && q->workers > 0)
		r = open_packet_sockets(q, config);
	if (r < 0)
		log_error("sockets for the gate and the web workers: %s", strerror(-r));
	return r;
}

void queue_parts_finish(struct queue_parts *q)
{
	cleanup_close(&q->gate_answers);
	cleanup_close(&q->web_answers);
	for (size_t i = 0; i < q->workers; i++) {
		cleanup_close(&q->gate_ends[i]);
		cleanup_close(&q->web_ends[i]);
	}
	for (size_t i = 0; i < q->zones * q->workers; i++)
		cleanup_close(&q->packet[i]);
	q->workers = q->zones = 0;
}
