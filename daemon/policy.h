/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets access, and for how long.  Pure: what is asked, what is, what the zone allows -> what is
 * done.  Nobody else decides. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum policy_ask { ASK_LOGIN, ASK_GRANT, ASK_REVOKE, ASK_LOGOUT };

struct policy_request {
	enum policy_ask ask;
	bool has_session;
	uint64_t zone_session; /* seconds */
	uint64_t seconds;      /* grant: asked for; 0: the zone's */
	uint64_t seconds_max;
};

enum policy_verdict {
	POLICY_GRANT = 1,
	POLICY_REVOKE,
	POLICY_KEEP /* nothing to do */,
	POLICY_REFUSE
};

struct policy_decision {
	enum policy_verdict verdict;
	uint64_t seconds;
	const char *why; /* REFUSE: for people */
};

struct policy_decision policy_decide(const struct policy_request *request);
