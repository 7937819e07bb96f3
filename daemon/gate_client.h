/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the gate and remembers who waits for which answer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "common/msg.h"
#include "daemon/channel.h"

/* reply: the answer, whose gate_done.error is 0 or a negative errno that its text explains;
 * MSG_GATE_SESSION comes any number of times before MSG_GATE_DONE, which ends it;
 * MSG_GATE_COUNTERS comes instead of it. */
typedef void gate_reply_fn(void *data, const union msg *reply);

/* 0, or what a MSG_GATE_DONE says. */
int gate_reply_error(const union msg *reply);
/* The kernel's or the gate's, and not that a guest cannot be verified or that its session has ended. */
bool gate_reply_is_failure(int error);

struct gate_wait;
TAILQ_HEAD(gate_waits, gate_wait);

struct gate_client {
	struct channel channel;
	uint32_t last_id;
	struct gate_waits waiting;
	void (*link_changed)(void *data, uint32_t zone, enum link_state state);
	/* before the answer to each load */
	void (*able)(void *data, const struct gate_ability *ability);
	/* somebody flushed the ruleset: it is there again, without members */
	void (*flushed)(void *data, uint32_t round);
	/* the gate is gone or talks nonsense: the engine must end */
	void (*lost)(void *data, int error);
	void *data;
	uint64_t errors;     /* answers that say that the kernel refused */
	uint64_t refused_ms; /* the last of them: when (CLOCK_BOOTTIME), and why */
	char refused[ERROR_TEXT_MAX];
};

/* Takes fd over. */
int gate_client_init(struct gate_client *g, struct event_base *base, int fd);
void gate_client_finish(struct gate_client *g);

/* What people are to know of refusals since the start; false: there was none. */
bool gate_client_trouble(const struct gate_client *g, char *ret_text, size_t size);

/* Sends a message that has no answer (MSG_GATE_ZONE). */
void gate_client_tell(struct gate_client *g, struct msg_head *head);

/* Sends a message; fn gets the answer: in the order of asking, but for MSG_GATE_FORGET.  -ENOMEM: nothing
 * was sent. */
int gate_client_ask(struct gate_client *g, struct msg_head *head, gate_reply_fn *fn, void *data);
