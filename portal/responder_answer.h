/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes that answer a stranger's request in queue mode: those that libmicrohttpd sends in
 * redirect mode, since both ask portal/answer.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "portal/answer.h"

struct responder_request {
	size_t zone;
	uint8_t family;		     /* 4, 6: the guest's */
	const char *method, *target; /* target "": unknown */
	const char *host;	     /* the field's value, or NULL */
};

/* The gateway as a zone's guests reach it. */
struct responder_gateway {
	struct addr addr; /* not link-local */
	char origin[LINK_ORIGIN_MAX];
};

void responder_gateway_init(struct responder_gateway *g, const struct answer_zone *zone,
			    const struct addr *addr);

/* A GET for the portal itself, which came to a foreign address because the guest resolves the portal's name, or
 * takes its address for a name (ConnMan 1.41), otherwise.  target: the request's. */
bool responder_is_for_portal(const struct responder_request *req, const struct link_target *target,
			     const struct answer_zone *zone, const struct addr *gateway);

/* target: the request's.  The length of what was written to buf; -E2BIG: no room in it; -ENOMEM.
 *
 * What is for the portal itself is sent to the gateway by address, so that it comes back by another way and not
 * in a circle. */
int responder_answer(const struct responder_request *req, const struct link_target *target,
		     const struct answer_zone *zone, const struct responder_gateway *gateway,
		     time_t now, char *buf, size_t size);
