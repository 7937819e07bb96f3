/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets access, and for how long.  Pure: what is asked, what is, what the zone allows -> what is
 * done.  Nobody else decides. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/proto.h"
#include "common/session_limits.h"

enum policy_ask { ASK_LOGIN, ASK_GRANT, ASK_SET, ASK_REVOKE, ASK_LOGOUT, ASK_EXTEND };

struct policy_request {
	enum policy_ask ask;
	bool has_session;
	uint64_t zone_session; /* seconds */
	uint64_t seconds;      /* grant: asked for; 0: the zone's.  set: from now; 0: as it is */
	uint64_t seconds_max;
	int64_t more;		   /* set: seconds that come to that */
	uint64_t left_ms;	   /* set, extend: of the session */
	struct limits zone_limits; /* set, extend: the session's */
	struct limits limits;	   /* grant: asked for */
	unsigned int
		given; /* which of these: bit i is limit_fields[i]; the others are the zone's */
	bool blocked, trusted; /* login: the device is on a list */
	/* extend: */
	bool by_login;	       /* the session is no grant */
	uint64_t used;	       /* seconds since it began */
	uint64_t zone_extend;  /* seconds that are left after an extension; 0: there is none */
	uint64_t zone_longest; /* seconds that a session may last by it; 0: no limit */
};

enum policy_verdict {
	POLICY_GRANT = 1,
	POLICY_REVOKE,
	POLICY_KEEP /* nothing to do */,
	POLICY_REFUSE
};

struct policy_decision {
	enum policy_verdict verdict;
	uint64_t seconds, left_ms; /* login and grant; set and extend */
	struct limits limits;
	const char *why; /* REFUSE: for people */
};

/* base, with what is given of more. */
struct limits policy_merge(const struct limits *base, const struct limits *more,
			   unsigned int given);

extern const char POLICY_QUOTA[], POLICY_IDLE[]; /* names of events */

/* Why a session must end now: one of these, or NULL.  idle: seconds since it was last active. */
const char *policy_used_up(const struct limits *limits, const struct counters *used, uint64_t idle);

/* Until the first of the quotas is used up; UINT64_MAX: there is none. */
uint64_t policy_bytes_left(const struct limits *limits, const struct counters *used);

/* What guests may do about their time.  An extension makes what is left what the zone says, but a
 * session no longer than the zone's longest: a second one at once changes nothing. */
struct policy_extension {
	bool ever;	/* now or later */
	uint64_t to_ms; /* what would be left now; 0: so little more that it is refused */
};
struct policy_extension policy_extension(const struct policy_request *request);

struct policy_decision policy_decide(const struct policy_request *request);
