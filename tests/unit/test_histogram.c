/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/histogram.h"

enum { NONE = HISTOGRAM_BUCKETS };

static const struct {
	uint64_t us;
	int bucket;
} cases[] = {
	{0, 0},	      {500, 0},	    {501, 1},	  {1000, 1},	   {1001, 2},
	{1000000, 8}, {1000001, 9}, {5000000, 9}, {5000001, NONE}, {UINT64_C(1) << 40, NONE},
};

static void test_buckets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct histogram h = {0};

		histogram_add(&h, cases[i].us);
		assert_int_equal(h.count, 1);
		assert_int_equal(h.sum_us, cases[i].us);
		for (int k = 0; k < HISTOGRAM_BUCKETS; k++)
			assert_int_equal(h.buckets[k], k == cases[i].bucket);
	}
}

static void test_bounds_ascend(void **state)
{
	(void)state;
	for (int i = 1; i < HISTOGRAM_BUCKETS; i++)
		assert_true(histogram_bounds_us[i - 1] < histogram_bounds_us[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_bounds_ascend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
