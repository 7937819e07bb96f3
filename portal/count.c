/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

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
