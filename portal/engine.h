/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's end of the socket to the engine: questions about guests, with a deadline each, and
 * new bundles. The engine has more power than we: when it is gone or talks nonsense, the worker
 * ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "common/msg.h"

enum {
	ENGINE_TIMEOUT = 5,	     /* seconds: a guest gets an error page then */
	ENGINE_QUESTIONS_MAX = 1024, /* unanswered, of all guests */
};

struct event;
struct event_base;

struct question {
	TAILQ_ENTRY(question) entry;
	bool asked;
	uint32_t id;
	time_t deadline; /* monotonic clock */
	/* reply NULL: the time is over */
	void (*done)(struct question *question, const struct web_reply *reply);
};

TAILQ_HEAD(question_list, question);

struct engine {
	int fd;
	struct event_base *base;
	struct event *readable, *timer;
	struct question_list questions; /* by deadline */
	size_t count;
	uint32_t last_id;
	int error; /* why the loop was broken; 0: the engine is gone */
	/* takes fd; a negative errno ends the worker */
	int (*reload)(void *ctx, int fd);
	void *ctx;
	union msg msg;
};

/* fd becomes nonblocking; it stays the caller's.  *e must stay in place. */
int engine_init(struct engine *e, int fd, struct event_base *base, int (*reload)(void *ctx, int fd),
		void *ctx);
void engine_finish(struct engine *e);

/* question->done is set.  0: it will be called once, from the event loop; negative errno: never. */
int engine_ask(struct engine *e, struct question *question, uint32_t type, size_t zone,
	       const struct addr *guest);
/* Of a question that was not asked or is done: nothing. */
void engine_forget(struct engine *e, struct question *question);
