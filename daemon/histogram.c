/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "daemon/histogram.h"

const uint64_t histogram_bounds_us[HISTOGRAM_BUCKETS] = {
	500, 1000, 5000, 10000, 25000, 50000, 100000, 500000, 1000000, 5000000,
};

void histogram_add(struct histogram *h, uint64_t us)
{
	h->count++;
	h->sum_us += us;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (us <= histogram_bounds_us[i]) {
			h->buckets[i]++;
			return;
		}
	}
}

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
