/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/policy.h"

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
	{"a logout", {ASK_LOGOUT, true, 3600, 0, 9000}, POLICY_REVOKE, 0},
	{"a logout of a stranger", {ASK_LOGOUT, false, 3600, 0, 9000}, POLICY_KEEP, 0},
};

static void test_decisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_decision d = policy_decide(&cases[i].request);

		if (d.verdict != cases[i].verdict || d.seconds != cases[i].seconds)
			fail_msg("%s: verdict %d for %lu seconds", cases[i].what, (int)d.verdict,
				 (unsigned long)d.seconds);
		if (d.verdict == POLICY_REFUSE)
			assert_non_null(d.why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_decisions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
