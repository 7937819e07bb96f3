/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NFQUEUEs, one for each web worker (divert "queue").  The gate opens and binds them, gives each worker its socket to read
 * from, and drops what the worker is done with: nothing else can be done with a packet from here.
 *
 * Kernels without nft's queue expression have xt_NFQUEUE; then the rule goes in as a compat target.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/link.h"
#include "common/proto_queue.h"
#include "common/proto_ruleset.h"
#include "nft/tables.h"

struct queue {
	struct netlink nl;
	uint32_t last_id; /* with a verdict up to here */
};

/* Where a rule sends packets to. */
struct queue_target {
	uint16_t first, count;
	bool bypass; /* with nobody listening they go on; else they are dropped */
};

struct queues {
	bool opened;
	uint16_t first, count;
	struct queue each[WORKERS_MAX];
};

/* Does this kernel have nft's queue expression?  Leaves nothing behind. */
bool queue_is_native(struct tables *t);

/* What a user can do about an error of queue_bind()'s. */
const char *queue_why(int error);

/* Binds a socket to a queue number, so that from then on packets come there.  length: of the queue, in packets; flags:
 * NFQA_CFG_F_... */
int queue_bind(struct queue *q, uint16_t number, uint32_t length, uint32_t flags);
/* type: for this packet (NFQNL_MSG_VERDICT), or for all up to it.  -EBADMSG: its id lies behind the last one. */
int queue_verdict(struct queue *q, uint16_t number, uint16_t type, uint32_t verdict, uint32_t id);
/* Lets what waits go on, `count` packets at most; their own verdicts come too late then, and do nothing. */
int queue_release(struct queue *q, uint16_t number, uint32_t count);

/* Opens the sockets of so many queues; call before the seccomp filter. */
int queues_prepare(struct queues *q, uint16_t count);
/* Binds them to queue numbers from first on and sends each to its worker.  Only the first call does anything. */
int queues_open(struct queues *q, uint16_t first);
void queues_finish(struct queues *q);

/* Puts the rule into a zone's chain ("compat", "answers_queue"), which is empty: nft's expression, or the compat target. */
int queue_add_rule(struct tables *t, bool native, const char *zone, const char *suffix,
		   const struct queue_target *to);

/* A message from worker i.  -EBADMSG: no honest worker sends it. */
int queues_take(struct queues *q, uint16_t i);

/* Binds the packet sockets of the nth zone with divert "queue" to an interface, and tells the workers. */
int queues_bind(struct queues *q, uint32_t zone, unsigned int nth, const struct link *link);
