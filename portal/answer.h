/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest that is not logged in gets for a request that was diverted to us: a pure function,
 * asked by whoever speaks to guests, so that all give the same bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "portal/link.h"
#include "portal/response.h"
#include "portal/template.h"

/* What of the zone's configuration the answer depends on. */
struct answer_zone {
	const char *hostname; /* the portal's name, or NULL */
	bool secure;	      /* the login page is at https://hostname */
	const char *title;    /* of the venue */
	const char *lang, *dir;
	uint32_t refresh;	     /* seconds before the page moves on */
	const struct template *page; /* parsed with answer_names */
	bool strict;		     /* no redirect but for the zone's own probes */
	const char *const *probes;   /* these; patterns of common/probe.h */
	size_t probe_count;
};

/* The names of the page's values. */
enum answer_value {
	ANSWER_LANG,
	ANSWER_DIR,
	ANSWER_VENUE,
	ANSWER_REFRESH,
	ANSWER_LINK,
	ANSWER_VALUES
};
extern const char *const answer_names[ANSWER_VALUES];

struct answer_request {
	const char *method;
	const struct link_target *target;
	/* link_origin() of the gateway's end of the connection, or of another address of it that the guest can reach */
	const char *origin;
};

/* Fills ret_response (empty or finished).  -E2BIG, -ENOMEM: no answer can be made, close the
 * connection. */
int answer_stranger(const struct answer_request *req, const struct answer_zone *zone, time_t now,
		    struct response *ret_response);

/* Bytes of the largest answer that the zone has for any request.  Errors as above. */
int answer_largest(const struct answer_zone *zone, size_t *ret_len);
