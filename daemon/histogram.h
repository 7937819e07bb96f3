/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long something took, in buckets as Prometheus wants them. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 10 };

/* What took at most so many microseconds and longer than the one before. */
extern const uint64_t histogram_bounds_us[HISTOGRAM_BUCKETS];

struct histogram {
	uint64_t count, sum_us;
	uint64_t buckets[HISTOGRAM_BUCKETS]; /* not cumulative; what took longest is in none */
};

void histogram_add(struct histogram *h, uint64_t us);
/* CLOCK_MONOTONIC */
uint64_t now_us(void);
