/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What loadgen prints at its end. */
#pragma once

#include "tests/bench/client.h"
#include "tests/bench/flood.h"

struct report {
	const struct options *options;
	const struct client *client;
	const struct flood *flood;
	struct wire_counts wire;
	uint64_t bad_frames; /* wrong length or checksum */
	double seconds;	     /* from the first beginning to the last end */
	double cpu;	     /* seconds of loadgen itself, kernel included */
};

/* A table for people or, with --json, one object. */
void report_print(const struct report *report);
