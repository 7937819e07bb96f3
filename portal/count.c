/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "common/msg.h"
#include "portal/count.h"

static struct web_counts counts[ZONES_MAX];

void count_add(size_t zone, enum web_count what, uint64_t n)
{
	counts[zone].counts[what] += n;
	counts[zone].news = 1;
}

void count_status(size_t zone, unsigned int status)
{
	static const enum web_count classes[] = {
		[2] = WEB_COUNT_2XX, [3] = WEB_COUNT_3XX, [4] = WEB_COUNT_4XX, [5] = WEB_COUNT_5XX};

	if (status >= 200 && status < 600)
		count_add(zone, status == 511 ? WEB_COUNT_511 : classes[status / 100], 1);
}

void count_packet(size_t zone, enum responder_outcome outcome)
{
	static const enum web_count by_outcome[RESPONDER_REFUSED] = {
		[RESPONDER_SYN] = WEB_COUNT_PACKET_OPENED,
		[RESPONDER_ANSWERED] = WEB_COUNT_PACKET_ANSWERED,
		[RESPONDER_ACKED] = WEB_COUNT_PACKET_QUIET,
		[RESPONDER_CLOSED] = WEB_COUNT_PACKET_CLOSED,
		[RESPONDER_RESET] = WEB_COUNT_PACKET_CLOSED,
		[RESPONDER_QUIET] = WEB_COUNT_PACKET_QUIET,
		[RESPONDER_WAITING] = WEB_COUNT_PACKET_QUIET,
		[RESPONDER_HELD] = WEB_COUNT_PACKET_QUIET,
		[RESPONDER_STRANGE] = WEB_COUNT_PACKET_STRANGE,
		[RESPONDER_BAD_MSS] = WEB_COUNT_PACKET_REFUSED,
		[RESPONDER_BAD_SENDER] = WEB_COUNT_PACKET_REFUSED,
		[RESPONDER_NO_ROOM] = WEB_COUNT_PACKET_REFUSED,
	};

	count_add(zone,
		  outcome < RESPONDER_REFUSED ? by_outcome[outcome] : WEB_COUNT_PACKET_REFUSED, 1);
}

void count_log_packets(uint64_t outcomes[static RESPONDER_OUTCOMES])
{
	for (size_t i = RESPONDER_STRANGE; i < RESPONDER_OUTCOMES; i++) {
		if (outcomes[i])
			log_debug("queue: %" PRIu64 " packets: %s", outcomes[i],
				  responder_outcome_names[i]);
		outcomes[i] = 0;
	}
}

void count_send(int engine_fd)
{
	for (uint32_t i = 0; i < ZONES_MAX; i++) {
		struct web_counts *c = &counts[i];

		if (!c->news)
			continue;
		c->head = (struct msg_head){MSG_WEB_COUNTS, 0};
		c->zone = i;
		if (msg_send(engine_fd, &c->head, -1) == 0)
			memset(c, 0, sizeof(*c));
	}
}
