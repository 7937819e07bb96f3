/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request and what becomes of it, as a state machine without input or output: http.c (or a
 * test) fills in the request, carries questions to the engine and answers back, and sends the
 * response.
 *
 *   r = exchange_begin(x)                 while r > 0: ask the engine (r is the message type), then
 *   r = exchange_continue(x, reply)       r == 0: x->response is the answer; r < 0: there is none,
 * close the connection
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/proto_web.h"
#include "portal/link.h"
#include "portal/response.h"
#include "portal/route.h"
#include "portal/site.h"
#include "portal/token.h"

struct exchange {
	/* the request */
	struct site *site; /* a reference */
	size_t zone;
	bool secure;   /* it came over TLS */
	bool diverted; /* it came to the divert port */
	struct addr
		local; /* the gateway's end, or another address of it that the guest can reach */
	const char *method, *target;
	const char *host, *content_type, *accept; /* headers; NULL if absent */
	const char *body;
	size_t body_len;
	bool body_too_large; /* body is not the whole */
	bool close;	     /* the connection ends with the answer */
	time_t now;

	struct response response;

	bool negotiated; /* the answer depends on `accept` */

	/* what is remembered while the engine is asked */
	struct link_target parts;
	enum route_id route;
	uint32_t asked;
	char to[LINK_TO_MAX];
	bool accepted;
	char token[TOKEN_TEXT_MAX];
};

static inline const struct zone_site *exchange_zone(const struct exchange *x)
{
	return &x->site->zones[x->zone];
}

/* Is this a stranger's request for somebody else's server (511)?  Needs only zone, site, diverted,
 * local, target, host. */
bool exchange_is_foreign(const struct exchange *x);

int exchange_begin(struct exchange *x);
/* reply NULL: the engine did not answer in time, or could not be asked */
int exchange_continue(struct exchange *x, const struct web_reply *reply);
void exchange_finish(struct exchange *x);
