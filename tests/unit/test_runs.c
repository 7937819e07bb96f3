/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/runs.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t ended[RUN_ENDS];
	} cases[] = {
		{"", {0}},
		{"b1 running 1 2 3 4 5\n", {1, 2, 4, 4, 5}},
		{"b0 running 1 2 3 4 5\n", {1, 3, 3, 4, 5}},
		{"b1 stop 1 2 3 4 5\n", {2, 2, 3, 4, 5}},
		{"b0 portald-gate 1 2 3 4 5\n", {1, 2, 3, 5, 5}},
		{"b0 portald-web 1 2 3 4 5\n", {1, 2, 3, 4, 6}},
		{"b0 somebody 1 2 3 4 5\n", {1, 2, 3, 4, 5}},
		{"b0 running 1 2 3 4\n", {0}},
		{"b0 running 1 2 x 4 5\n", {0}},
		{"nonsense", {0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct runs runs;

		runs_parse(cases[i].text, "b1", &runs);
		assert_memory_equal(runs.ended, cases[i].ended, sizeof(runs.ended));
	}
}

static void test_file(void **state)
{
	char folder[] = "/tmp/test_runs.XXXXXX", path[64];
	struct runs runs;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(runs_begin(folder, &runs), 0); /* the first */
	for (enum run_end i = 0; i < RUN_ENDS; i++)
		assert_int_equal(runs.ended[i], 0);
	for (enum run_end i = 0; i < RUN_ENDS; i++) {
		assert_int_equal(runs_end(folder, &runs, i), 0);
		assert_int_equal(runs_begin(folder, &runs), 0);
		assert_int_equal(runs.ended[i], 1);
	}
	assert_int_equal(runs_begin(folder, &runs), 0); /* it did not say how it ended */
	assert_int_equal(runs.ended[RUN_PORTALD], 2);
	snprintf(path, sizeof(path), "%s/runs", folder);
	remove(path);
	rmdir(folder);
	assert_true(runs_begin(folder, &runs) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
