/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy.h"

static struct policy_decision decide_grant(const struct policy_request *r)
{
	uint64_t seconds = r->seconds ? r->seconds : r->zone_session;

	if (seconds > r->seconds_max)
		return (struct policy_decision){.verdict = POLICY_REFUSE,
						.why = "longer than 3650 days"};
	return (struct policy_decision){.verdict = POLICY_GRANT, .seconds = seconds};
}

struct policy_decision policy_decide(const struct policy_request *r)
{
	switch (r->ask) {
	case ASK_LOGIN:
		/* a second login does not extend the session: nobody would ever run out of time */
		if (r->has_session)
			return (struct policy_decision){.verdict = POLICY_KEEP};
		return (struct policy_decision){.verdict = POLICY_GRANT,
						.seconds = r->zone_session};
	case ASK_GRANT:
		return decide_grant(r);
	case ASK_REVOKE:
	case ASK_LOGOUT:
		return (struct policy_decision){.verdict = r->has_session ? POLICY_REVOKE
									  : POLICY_KEEP};
	}
	return (struct policy_decision){.verdict = POLICY_REFUSE, .why = "unknown request"};
}
