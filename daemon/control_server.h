/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: who may connect, lines in and out.  What a request does is in control_verbs.c
 * and the files of single verbs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <event2/bufferevent.h>
#include <jansson.h>

#include "daemon/control_parse.h"
#include "daemon/engine.h"

/* A connection of portalctl.  While `busy` its next line waits. */
struct client {
	struct client *next;
	struct control *control;
	struct engine *engine;
	struct bufferevent
		*io; /* NULL: the other side is gone, and the client waits for its work to end */
	bool busy, watching, told; /* told: that it must wait for the start */
	int64_t uid;		   /* of who connected */
	struct control_request request;
	void *job;			   /* what a verb remembers between steps */
	void (*drained)(struct client *c); /* when all output has left */
};

/* Takes the listening socket over. */
int control_create(struct engine *e, int fd, struct control **ret_control);
void control_destroy(struct control *control);
/* Accepts from now on, and tells who asks that it must wait. */
void control_start(struct control *control);
/* The engine is ready: what was asked is answered. */
void control_ready(struct control *control);

/* Writes one line; takes json over. */
void client_send(struct client *c, json_t *json);
void client_error(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The request is worked off: the next line may come.  Frees a client that is gone. */
void client_done(struct client *c);
bool client_has_output(const struct client *c);

/* Which zones the request means: [first, end).  False: it has been answered with why not. */
bool control_find_zones(struct client *c, uint32_t *ret_first, uint32_t *ret_end);

/* Starts to work a parsed request off; ends, at once or later, in client_done(). */
void control_run(struct client *c);
void control_grant(struct client *c);
void control_revoke(struct client *c);
void control_list(struct client *c);
void control_set(struct client *c);
void control_lists(struct client *c);
void control_listed(struct client *c);
void control_history(struct client *c);
