/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy.h"

/* An extension brings at least this part of the zone's time, or a guest could make work without an
 * end. */
enum { EXTEND_LEAST_PART = 10 };

const char POLICY_QUOTA[] = "quota", POLICY_IDLE[] = "idle";

struct limits policy_merge(const struct limits *base, const struct limits *more, unsigned int given)
{
	struct limits merged = *base;

	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		if (given & 1U << i)
			*limit_at(&merged, i) = limit_value(more, i);
	}
	return merged;
}

const char *policy_used_up(const struct limits *limits, const struct counters *used, uint64_t idle)
{
	if (used->over ||
	    (limits->quota_total && used->bytes_up + used->bytes_down >= limits->quota_total))
		return POLICY_QUOTA;
	if (limits->idle && idle >= limits->idle)
		return POLICY_IDLE;
	return NULL;
}

uint64_t policy_bytes_left(const struct limits *limits, const struct counters *used)
{
	const struct {
		uint64_t quota, used;
		bool over;
	} quotas[] = {
		{limits->quota_up, used->bytes_up, used->over & OVER_UP},
		{limits->quota_down, used->bytes_down, used->over & OVER_DOWN},
		{limits->quota_total, used->bytes_up + used->bytes_down, false},
	};
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		uint64_t left =
			quotas[i].quota > quotas[i].used ? quotas[i].quota - quotas[i].used : 0;

		if (quotas[i].over)
			left = 0;
		if (quotas[i].quota && left < least)
			least = left;
	}
	return least;
}

static const struct policy_decision too_long = {.verdict = POLICY_REFUSE,
						.why = "longer than 3650 days"};

static struct policy_decision decide_grant(const struct policy_request *r)
{
	uint64_t seconds = r->seconds ? r->seconds : r->zone_session;

	if (seconds > r->seconds_max)
		return too_long;
	return (struct policy_decision){
		.verdict = POLICY_GRANT,
		.seconds = seconds,
		.limits = policy_merge(&r->zone_limits, &r->limits, r->given)};
}

static struct policy_decision decide_set(const struct policy_request *r)
{
	if (r->seconds > r->seconds_max) /* before it is made milliseconds, which could wrap */
		return too_long;
	const int64_t left_ms =
		(int64_t)(r->seconds ? r->seconds * 1000 : r->left_ms) + r->more * 1000;

	if (left_ms <= 0)
		return (struct policy_decision){.verdict = POLICY_REFUSE,
						.why = "no time would be left; revoke it instead"};
	if ((uint64_t)left_ms > r->seconds_max * 1000)
		return too_long;
	return (struct policy_decision){
		.verdict = POLICY_GRANT,
		.left_ms = (uint64_t)left_ms,
		.limits = policy_merge(&r->zone_limits, &r->limits, r->given)};
}

struct policy_extension policy_extension(const struct policy_request *r)
{
	const uint64_t longest = r->zone_longest && r->zone_longest < r->seconds_max
					 ? r->zone_longest
					 : r->seconds_max;
	const uint64_t most_ms = longest > r->used ? (longest - r->used) * 1000 : 0;
	const uint64_t wanted_ms = r->zone_extend * 1000;
	const uint64_t to_ms = wanted_ms < most_ms ? wanted_ms : most_ms;
	const uint64_t least_ms = r->left_ms + wanted_ms / EXTEND_LEAST_PART;

	if (!r->zone_extend || !r->has_session || !r->by_login || r->trusted)
		return (struct policy_extension){0};
	return (struct policy_extension){.ever = most_ms >= least_ms,
					 .to_ms = to_ms >= least_ms ? to_ms : 0};
}

static struct policy_decision decide_extend(const struct policy_request *r)
{
	const struct policy_extension x = policy_extension(r);

	if (x.to_ms == 0)
		return (struct policy_decision){.verdict = POLICY_KEEP};
	return (struct policy_decision){
		.verdict = POLICY_GRANT, .left_ms = x.to_ms, .limits = r->zone_limits};
}

struct policy_decision policy_decide(const struct policy_request *r)
{
	switch (r->ask) {
	case ASK_LOGIN:
		if (r->blocked)
			return (struct policy_decision){.verdict = POLICY_REFUSE,
							.why = "the device is blocked"};
		/* a second login does not extend the session: nobody would ever run out of time */
		if (r->has_session || r->trusted)
			return (struct policy_decision){.verdict = POLICY_KEEP};
		return (struct policy_decision){.verdict = POLICY_GRANT,
						.seconds = r->zone_session,
						.limits = r->zone_limits};
	case ASK_GRANT:
		return decide_grant(r);
	case ASK_SET:
		return decide_set(r);
	case ASK_EXTEND:
		return decide_extend(r);
	case ASK_REVOKE:
	case ASK_LOGOUT:
		return (struct policy_decision){.verdict = r->has_session ? POLICY_REVOKE
									  : POLICY_KEEP};
	}
	return (struct policy_decision){.verdict = POLICY_REFUSE, .why = "unknown request"};
}
