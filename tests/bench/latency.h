/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times in buckets that are 1/64 of their value wide: bounded memory, percentiles within 1.6 %. */
#pragma once

#include <stdint.h>

enum { LATENCY_STEPS = 64, LATENCY_BUCKETS = 40 * LATENCY_STEPS };

struct latency {
	uint64_t count, max;
	uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, uint64_t nanoseconds);
/* The time within which `share` (0 to 1) of all were done; 0 if there are none. */
uint64_t latency_percentile(const struct latency *latency, double share);
