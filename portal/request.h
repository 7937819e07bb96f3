/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request while it is on its way: its body, how much of it is read, and the engine's answers that
 * it waits for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "portal/engine.h"
#include "portal/form.h"
#include "portal/portal.h"

enum {
	REQUEST_DRAIN_MAX =
		1024 * 1024, /* bytes of a body that are read so that the answer arrives */
};

enum request_progress {
	REQUEST_READING,
	REQUEST_WAITING, /* for the engine */
	REQUEST_READY,	 /* exchange.response is there */
	REQUEST_FAILED,	 /* there is no answer: close the connection */
};

struct request {
	struct exchange exchange; /* the creator fills in all of the request but target and body */
	struct addr guest;	  /* and this */
	enum request_progress progress;
	struct engine *engine;
	struct question question;
	void (*resume)(struct request *req); /* it was WAITING and is not any more */
	void *listener, *connection;	     /* the sender's */
	char *target;
	size_t drained;
	char body[FORM_SIZE_MAX];
};

/* NULL: no memory */
struct request *request_create(const char *target, struct engine *engine,
			       void (*resume)(struct request *));
void request_destroy(struct request *req);

/* To be asked when the header is there; expect and length are the header fields Expect and
 * Content-Length, or NULL. */
bool request_is_early(struct request *req, const char *expect, const char *length);
/* A piece of the body.  -E2BIG: it is more than anybody reads. */
int request_add(struct request *req, const char *data, size_t len);
/* All is there, or the request is early. */
void request_run(struct request *req);
