/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection to the control socket: JSON lines, both ways.  Errors are negative errno. */
#pragma once

#include <stdint.h>

#include <jansson.h>

enum {
	CONNECT_SECONDS = 5,	      /* to wait for room in the gateway's queue */
	ANSWER_SECONDS = 30,	      /* to wait for an answer, unless --timeout says otherwise */
	ANSWER_MAX = 4 * 1024 * 1024, /* bytes of one line */
};

struct client;

int client_create(const char *path, uint64_t timeout, struct client **ret_client);
void client_destroy(struct client *client);

int client_send(struct client *client, const json_t *request);
/* An object.  -EPIPE: the gateway has closed; -ETIMEDOUT; -EBADMSG: no line with one JSON object.
 */
int client_receive(struct client *client, json_t **ret_answer);
/* From here on client_receive() waits for ever. */
void client_wait_for_ever(struct client *client);
