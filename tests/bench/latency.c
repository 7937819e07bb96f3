// SPDX-License-Identifier: GPL-2.0-or-later
/* Bucket: 64 for each power of two from 64 ns on; below, one for each nanosecond. */
#include "tests/bench/latency.h"

static unsigned int bucket_of(uint64_t v)
{
	unsigned int power, bucket;

	if (v < LATENCY_STEPS)
		return (unsigned int)v;
	power = 63u - (unsigned int)__builtin_clzll(v);
	bucket = (power - 5) * LATENCY_STEPS + (unsigned int)(v >> (power - 6)) - LATENCY_STEPS;
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The largest value in a bucket. */
static uint64_t bucket_end(unsigned int bucket)
{
	unsigned int power = bucket / LATENCY_STEPS + 5;

	if (bucket < LATENCY_STEPS)
		return bucket;
	return ((uint64_t)(bucket % LATENCY_STEPS + LATENCY_STEPS + 1) << (power - 6)) - 1;
}

void latency_add(struct latency *latency, uint64_t nanoseconds)
{
	latency->count++;
	latency->buckets[bucket_of(nanoseconds)]++;
	if (nanoseconds > latency->max)
		latency->max = nanoseconds;
}

uint64_t latency_percentile(const struct latency *latency, double share)
{
	uint64_t wanted = (uint64_t)((double)latency->count * share + 0.999999), seen = 0, end;

	if (latency->count == 0)
		return 0;
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
		seen += latency->buckets[i];
		end = bucket_end(i);
		if (seen >= wanted)
			return end < latency->max ? end : latency->max;
	}
	return latency->max;
}
