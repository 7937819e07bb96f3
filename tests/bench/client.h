/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The well-behaved guests: which exchange begins when, and what became of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/latency.h"
#include "tests/bench/options.h"
#include "tests/bench/table.h"

enum { TRIES_MAX = 4, SAMPLE_MAX = 200 };

/* Each exchange that began ends as exactly one of right, wrong, reset and timeout. */
struct client_counts {
	uint64_t begun, right, wrong, reset, timeout;
	uint64_t answer_bytes;	   /* of right ones: heads and bodies */
	uint64_t tries[TRIES_MAX]; /* right ones by SYNs sent; the last: so many or more */
	uint64_t resent, out_of_order;
	uint64_t unclosed, reset_late; /* after the answer */
	uint64_t held_back;	       /* begun 10 ms or more later than --rate says */
	uint64_t strays;	       /* segments for no connection */
};

struct client {
	const struct options *options;
	struct wire *wire;
	struct mac gateway;
	struct table table;
	uint64_t begun_at, last_end; /* nanoseconds */
	uint32_t under_way;
	bool stopped;
	uint16_t *ports; /* the last one of each guest */
	struct request {
		char *text;
		uint32_t len;
	} * requests[2];     /* IPv4, IPv6: one for each path */
	char (*forms)[2048]; /* one for each slot, in login mode */
	struct client_counts counts;
	struct latency latency;
	char wrong[SAMPLE_MAX + 1]; /* how the first wrong answer begins */
};

/* options, wire: stay.  -ENOMEM, -E2BIG: the request is too long. */
int client_init(struct client *client, const struct options *options, struct wire *wire,
		const struct mac *gateway, uint64_t now);
void client_finish(struct client *client);

/* Begins what is due.  True while there is something to begin or under way. */
bool client_run(struct client *client, uint64_t now);
void client_receive(struct client *client, uint32_t guest, const struct segment *segment,
		    uint64_t now);
void client_tick(struct client *client, uint64_t now);
/* Begins nothing more. */
void client_stop(struct client *client);
