/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/policy.h"

#define EXTEND .ask = ASK_EXTEND, .has_session = true, .by_login = true, .seconds_max = 9000

static const struct {
	const char *what;
	struct policy_request request;
	enum policy_verdict verdict;
	uint64_t seconds;
} cases[] = {
	{"a stranger logs in", {ASK_LOGIN, false, 3600, 0, 9000}, POLICY_GRANT, 3600},
	{"a login does not read the asker's seconds",
	 {ASK_LOGIN, false, 3600, 7200, 9000},
	 POLICY_GRANT,
	 3600},
	{"a second login extends nothing", {ASK_LOGIN, true, 3600, 0, 9000}, POLICY_KEEP, 0},
	{"a grant without time is the zone's",
	 {ASK_GRANT, false, 3600, 0, 9000},
	 POLICY_GRANT,
	 3600},
	{"a grant with time", {ASK_GRANT, false, 3600, 60, 9000}, POLICY_GRANT, 60},
	{"a grant replaces", {ASK_GRANT, true, 3600, 60, 9000}, POLICY_GRANT, 60},
	{"the longest grant", {ASK_GRANT, false, 3600, 9000, 9000}, POLICY_GRANT, 9000},
	{"a grant that is too long", {ASK_GRANT, false, 3600, 9001, 9000}, POLICY_REFUSE, 0},
	{"a revoke", {ASK_REVOKE, true, 3600, 0, 9000}, POLICY_REVOKE, 0},
	{"a revoke of a stranger", {ASK_REVOKE, false, 3600, 0, 9000}, POLICY_KEEP, 0},
	{"a blocked device logs in",
	 {.ask = ASK_LOGIN, .zone_session = 3600, .blocked = true},
	 POLICY_REFUSE,
	 0},
	{"a trusted device logs in",
	 {.ask = ASK_LOGIN, .zone_session = 3600, .trusted = true},
	 POLICY_KEEP,
	 0},
	{"a blocked device that is trusted logs in",
	 {.ask = ASK_LOGIN, .zone_session = 3600, .blocked = true, .trusted = true},
	 POLICY_REFUSE,
	 0},
	{"a guest extends", {EXTEND, .zone_extend = 100, .left_ms = 50000}, POLICY_GRANT, 100},
	{"a zone without extensions", {EXTEND, .left_ms = 50000}, POLICY_KEEP, 0},
	{"too early", {EXTEND, .zone_extend = 100, .left_ms = 90001}, POLICY_KEEP, 0},
	{"just not too early", {EXTEND, .zone_extend = 100, .left_ms = 90000}, POLICY_GRANT, 100},
	{"more is left than an extension gives",
	 {EXTEND, .zone_extend = 100, .left_ms = 500000},
	 POLICY_KEEP,
	 0},
	{"up to the longest",
	 {EXTEND, .zone_extend = 100, .left_ms = 5000, .used = 200, .zone_longest = 240},
	 POLICY_GRANT,
	 40},
	{"the longest is reached",
	 {EXTEND, .zone_extend = 100, .left_ms = 5000, .used = 235, .zone_longest = 240},
	 POLICY_KEEP,
	 0},
	{"the longest is behind",
	 {EXTEND, .zone_extend = 100, .used = 300, .zone_longest = 240},
	 POLICY_KEEP,
	 0},
	{"no session is longer than any may be",
	 {EXTEND, .zone_extend = 9000, .used = 1000, .zone_longest = UINT64_MAX},
	 POLICY_GRANT,
	 8000},
	{"a grant is not extended",
	 {.ask = ASK_EXTEND, .has_session = true, .seconds_max = 9000, .zone_extend = 100},
	 POLICY_KEEP,
	 0},
	{"a stranger extends nothing",
	 {.ask = ASK_EXTEND, .by_login = true, .seconds_max = 9000, .zone_extend = 100},
	 POLICY_KEEP,
	 0},
	{"nor does a trusted device",
	 {EXTEND, .zone_extend = 100, .trusted = true},
	 POLICY_KEEP,
	 0},
	{"a logout", {ASK_LOGOUT, true, 3600, 0, 9000}, POLICY_REVOKE, 0},
	{"a logout of a stranger", {ASK_LOGOUT, false, 3600, 0, 9000}, POLICY_KEEP, 0},
};

static void test_decisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_decision d = policy_decide(&cases[i].request);

		if (cases[i].request.ask == ASK_EXTEND)
			d.seconds = d.left_ms / 1000;
		if (d.verdict != cases[i].verdict || d.seconds != cases[i].seconds)
			fail_msg("%s: verdict %d for %lu seconds", cases[i].what, (int)d.verdict,
				 (unsigned long)d.seconds);
		if (d.verdict == POLICY_REFUSE)
			assert_non_null(d.why);
	}
}

static void test_set(void **state)
{
	static const struct {
		uint64_t seconds;
		int64_t more;
		uint64_t left_ms, expected; /* 0: refused */
	} times[] = {
		{0, 0, 1234, 1234},
		{60, 0, 1234, 60000},
		{0, 3600, 1234, 3601234},
		{0, -1, 1234, 234},
		{0, -2, 1234, 0},
		{60, -60, 1234, 0},
		{9000, 0, 1234, 9000000},
		{9001, 0, 1234, 0},
		{0, 9000, 1, 0},
		{0, INT32_MIN, 1234, 0},
		{UINT64_MAX / 1000 + 2, 0, 1234, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct policy_request r = {.ask = ASK_SET,
						 .seconds = times[i].seconds,
						 .more = times[i].more,
						 .left_ms = times[i].left_ms,
						 .seconds_max = 9000,
						 .zone_limits = {1, 2, 3, 4, 5, 6},
						 .limits = {.idle = 7, .quota_down = 8},
						 .given = 1 << 0 | 1 << 2 | 1 << 5};
		const struct policy_decision d = policy_decide(&r);

		assert_int_equal(d.verdict, times[i].expected ? POLICY_GRANT : POLICY_REFUSE);
		if (d.verdict != POLICY_GRANT)
			continue;
		assert_int_equal(d.left_ms, times[i].expected);
		assert_memory_equal(&d.limits, (&(struct limits){7, 2, 8, 4, 5, 0}),
				    sizeof(d.limits));
	}
}

static void test_limits_of_a_grant(void **state)
{
	struct policy_request r = {.ask = ASK_LOGIN,
				   .zone_session = 60,
				   .seconds_max = 60,
				   .zone_limits = {1, 2, 3, 4, 5, 6},
				   .limits = {9, 9, 9, 9, 9, 9},
				   .given = 1 << 3};
	struct policy_decision d = policy_decide(&r);

	(void)state;
	/* a login has no say */
	assert_memory_equal(&d.limits, (&(struct limits){1, 2, 3, 4, 5, 6}), sizeof(d.limits));
	r.ask = ASK_GRANT;
	d = policy_decide(&r);
	assert_memory_equal(&d.limits, (&(struct limits){1, 2, 3, 9, 5, 6}), sizeof(d.limits));
}

static void test_used_up(void **state)
{
	static const struct {
		struct limits limits;
		struct counters used;
		uint64_t idle;
		const char *why;
		uint64_t left;
	} uses[] = {
		{{0}, {.bytes_up = UINT64_MAX / 2}, UINT32_MAX, NULL, UINT64_MAX},
		{{.quota_total = 100}, {.bytes_up = 60, .bytes_down = 39}, 0, NULL, 1},
		{{.quota_total = 100}, {.bytes_up = 60, .bytes_down = 40}, 0, POLICY_QUOTA, 0},
		{{.quota_up = 100}, {.bytes_up = 99}, 0, NULL, 1},
		{{.quota_up = 100}, {.bytes_up = 99, .over = OVER_UP}, 0, POLICY_QUOTA, 0},
		{{.quota_down = 100}, {.bytes_down = 1, .over = OVER_DOWN}, 0, POLICY_QUOTA, 0},
		{{.quota_up = 100, .quota_down = 50},
		 {.bytes_up = 40, .bytes_down = 10},
		 0,
		 NULL,
		 40},
		{{.idle = 60}, {0}, 59, NULL, UINT64_MAX},
		{{.idle = 60}, {0}, 60, POLICY_IDLE, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (policy_used_up(&uses[i].limits, &uses[i].used, uses[i].idle) != uses[i].why)
			fail_msg("case %zu", i);
		assert_int_equal(policy_bytes_left(&uses[i].limits, &uses[i].used), uses[i].left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_limits_of_a_grant),
		cmocka_unit_test(test_used_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
