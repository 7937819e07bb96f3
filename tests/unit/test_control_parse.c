/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/control.h"
#include "daemon/control_parse.h"

#define MAC "\"02:00:5e:10:00:01\""

static const struct {
	const char *line;
	int result;
	enum control_verb verb;
	size_t macs, refused;
	const char *why; /* a part of it */
} cases[] = {
	{"{\"verb\":\"status\"}", 0, CONTROL_STATUS, 0, 0, NULL},
	{"{\"verb\":\"list\",\"zone\":\"guest\"}", 0, CONTROL_LIST, 0, 0, NULL},
	{"{\"verb\":\"list\",\"zone\":null}", 0, CONTROL_LIST, 0, 0, NULL},
	{"{\"verb\":\"history\",\"since\":0}", 0, CONTROL_HISTORY, 0, 0, NULL},
	{"{\"verb\":\"history\",\"since\":-1}", -EINVAL, 0, 0, 0, "since"},
	{"{\"verb\":\"watch\"}", 0, CONTROL_WATCH, 0, 0, NULL},
	{"{\"verb\":\"show\",\"mac\":" MAC "}", 0, CONTROL_SHOW, 1, 0, NULL},
	{"{\"verb\":\"grant\",\"macs\":[" MAC "," MAC ",\"02-00-5E-10-00-02\"]}", 0, CONTROL_GRANT,
	 2, 0, NULL},
	{"{\"verb\":\"grant\",\"macs\":[\"ff:ff:ff:ff:ff:ff\",\"\",\"x\"," MAC "]}", 0,
	 CONTROL_GRANT, 1, 3, NULL},
	{"{\"verb\":\"grant\",\"macs\":[" MAC "],\"quota-up\":0,\"rate-down\":20000000}", 0,
	 CONTROL_GRANT, 1, 0, NULL},
	{"{\"verb\":\"set\",\"macs\":[" MAC "],\"more\":-3600,\"idle\":null}", 0, CONTROL_SET, 1, 0,
	 NULL},
	{"{\"verb\":\"set\",\"macs\":[" MAC "],\"more\":1e3}", -EINVAL, 0, 0, 0, "more"},
	{"{\"verb\":\"set\",\"macs\":[" MAC "],\"more\":99999999999}", -EINVAL, 0, 0, 0, "more"},
	{"{\"verb\":\"set\",\"macs\":[" MAC "],\"idle\":-1}", -EINVAL, 0, 0, 0, "idle"},
	{"{\"verb\":\"set\",\"macs\":[" MAC "],\"rate-up\":100000000001}", -EINVAL, 0, 0, 0,
	 "rate-up"},
	{"{\"verb\":\"set\",\"macs\":[" MAC "],\"quota-total\":\"1G\"}", -EINVAL, 0, 0, 0,
	 "quota-total"},
	{"{\"verb\":\"revoke\",\"all\":true}", 0, CONTROL_REVOKE, 0, 0, NULL},
	{"{\"verb\":\"block\",\"macs\":[\"02:00:00:00:00:01\"]}", 0, CONTROL_BLOCK, 1, 0, NULL},
	{"{\"verb\":\"trust\",\"macs\":[" MAC "]}", 0, CONTROL_TRUST, 1, 0, NULL},
	{"{\"verb\":\"untrust\"}", -EINVAL, 0, 0, 0, "MAC"},
	{"{\"verb\":\"trusted\"}", 0, CONTROL_TRUSTED, 0, 0, NULL},
	{"", -EBADMSG, 0, 0, 0, "JSON"},
	{"[]", -EBADMSG, 0, 0, 0, "JSON"},
	{"{\"verb\":\"status\",\"verb\":\"list\"}", -EBADMSG, 0, 0, 0, "JSON"},
	{"{}", -EINVAL, 0, 0, 0, "unknown verb"},
	{"{\"verb\":7}", -EINVAL, 0, 0, 0, "unknown verb"},
	{"{\"verb\":\"reboot\"}", -EINVAL, 0, 0, 0, "unknown verb"},
	{"{\"verb\":\"show\"}", -EINVAL, 0, 0, 0, "missing"},
	{"{\"verb\":\"show\",\"mac\":\"zz\"}", -EINVAL, 0, 0, 0, "not the MAC"},
	{"{\"verb\":\"grant\",\"macs\":[]}", 0, CONTROL_GRANT, 0, 0, NULL},
	{"{\"verb\":\"grant\",\"macs\":[7]}", -EINVAL, 0, 0, 0, "must be a text"},
	{"{\"verb\":\"grant\",\"all\":true}", -EINVAL, 0, 0, 0, "missing"},
	{"{\"verb\":\"grant\",\"macs\":[" MAC "],\"for\":0}", -EINVAL, 0, 0, 0, "seconds"},
	{"{\"verb\":\"grant\",\"macs\":[" MAC "],\"for\":-1}", -EINVAL, 0, 0, 0, "seconds"},
	{"{\"verb\":\"grant\",\"macs\":[" MAC "],\"for\":\"8h\"}", -EINVAL, 0, 0, 0, "seconds"},
	{"{\"verb\":\"grant\",\"macs\":[" MAC "],\"note\":\"a\\nb\"}", -EINVAL, 0, 0, 0,
	 "control characters"},
	{"{\"verb\":\"block\",\"macs\":[" MAC "],\"note\":\"\\u0085\"}", -EINVAL, 0, 0, 0,
	 "control characters"},
	{"{\"verb\":\"block\",\"macs\":[" MAC "],\"note\":\"\\u00a0\\u5ba2\"}", 0, CONTROL_BLOCK, 1,
	 0, NULL},
	{"{\"verb\":\"list\",\"zone\":\"0123456789012345678901234567890123456789\"}", -EINVAL, 0, 0,
	 0, "at most 31"},
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct control_request r = {0};
		char why[ERROR_TEXT_MAX] = "";
		int result = control_parse(cases[i].line, strlen(cases[i].line), &r, why);

		if (result != cases[i].result)
			fail_msg("%s: %d (%s)", cases[i].line, result, why);
		if (result == 0) {
			assert_int_equal(r.verb, cases[i].verb);
			assert_int_equal(r.mac_count, cases[i].macs);
			assert_int_equal(json_array_size(r.refused), cases[i].refused);
		} else if (!strstr(why, cases[i].why)) {
			fail_msg("%s: says \"%s\"", cases[i].line, why);
		}
		control_request_finish(&r);
	}
}

static void test_limits(void **state)
{
	static const char line[] =
		"{\"verb\":\"set\",\"macs\":[" MAC "],\"quota-up\":0,\"rate-down\":7,"
		"\"idle\":60,\"for\":5,\"more\":-3,\"note\":\"\"}";
	struct control_request r = {0};
	char why[ERROR_TEXT_MAX];

	(void)state;
	assert_int_equal(control_parse(line, strlen(line), &r, why), 0);
	assert_int_equal(r.given, 1 << 0 | 1 << 1 | 1 << 5);
	assert_int_equal(r.limits.idle, 60);
	assert_int_equal(r.limits.rate_down, 7);
	assert_int_equal(r.seconds, 5);
	assert_int_equal(r.more, -3);
	assert_true(r.has_note);
	control_request_finish(&r);
}

static void test_too_many_macs(void **state)
{
	struct control_request r = {0};
	char why[ERROR_TEXT_MAX];
	json_t *macs = json_array(), *root = json_pack("{s:s, s:o}", "verb", "grant", "macs", macs);

	(void)state;
	for (int i = 0; i <= CONTROL_MACS_MAX; i++)
		json_array_append_new(macs, json_string("02:00:5e:10:00:01"));
	char *line = json_dumps(root, JSON_COMPACT);

	assert_true(strlen(line) < CONTROL_LINE_MAX);
	assert_int_equal(control_parse(line, strlen(line), &r, why), -EINVAL);
	assert_non_null(strstr(why, "4096"));
	free(line);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),
					   cmocka_unit_test(test_limits),
					   cmocka_unit_test(test_too_many_macs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
