/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "portal/limit.h"
#include "portal/request.h"

/* r: what exchange_begin() or exchange_continue() said.  Asks until there is an answer or nothing
 * to be had. */
static void advance(struct request *req, int r)
{
	struct exchange *x = &req->exchange;

	while (r > 0) {
		if (engine_ask(req->engine, &req->question, (uint32_t)r, x->zone, &req->guest) ==
		    0) {
			req->progress = REQUEST_WAITING;
			return;
		}
		r = exchange_continue(x, NULL);
	}
	if (r < 0)
		limit_reached(LIMIT_MEMORY);
	req->progress = r == 0 ? REQUEST_READY : REQUEST_FAILED;
}

static void on_answer(struct question *question, const struct web_reply *reply)
{
	struct request *req =
		(struct request *)(void *)((char *)question - offsetof(struct request, question));

	advance(req, exchange_continue(&req->exchange, reply));
	if (req->progress != REQUEST_WAITING)
		req->resume(req);
}

struct request *request_create(const char *target, struct engine *engine,
			       void (*resume)(struct request *))
{
	struct request *req = calloc(1, sizeof(*req));

	if (req)
		req->target = strdup(target);
	if (!req || !req->target) {
		free(req);
		limit_reached(LIMIT_MEMORY);
		return NULL;
	}
	req->engine = engine;
	req->question.done = on_answer;
	req->resume = resume;
	return req;
}

void request_destroy(struct request *req)
{
	if (!req)
		return;
	engine_forget(req->engine, &req->question);
	exchange_finish(&req->exchange);
	free(req->target);
	free(req);
}

/* A body is read, and beyond what a form may have thrown away, because an answer that comes earlier
 * is destroyed by the reset that follows it.  Answered at once is who asked before sending (RFC
 * 9110, 10.1.1), as far as the answer does not depend on the body, and who would send too much. */
bool request_is_early(struct request *req, const char *expect, const char *length)
{
	req->exchange.target = req->target;
	if (expect && strcasecmp(expect, "100-continue") == 0 &&
	    exchange_is_foreign(&req->exchange))
		return true;
	if (!length || strtoull(length, NULL, 10) <= REQUEST_DRAIN_MAX)
		return false;
	req->drained = REQUEST_DRAIN_MAX;
	req->exchange.close = true;
	limit_reached(LIMIT_BODY);
	return true;
}

int request_add(struct request *req, const char *data, size_t len)
{
	size_t kept = req->drained < sizeof(req->body) ? req->drained : sizeof(req->body);
	size_t room = sizeof(req->body) - kept;

	memcpy(req->body + kept, data, len < room ? len : room);
	req->drained += len;
	if (req->drained <= REQUEST_DRAIN_MAX)
		return 0;
	limit_reached(LIMIT_BODY);
	return -E2BIG;
}

void request_run(struct request *req)
{
	struct exchange *x = &req->exchange;

	x->target = req->target;
	x->body = req->body;
	x->body_too_large = req->drained > sizeof(req->body);
	x->body_len = x->body_too_large ? 0 : req->drained;
	advance(req, exchange_begin(x));
}
