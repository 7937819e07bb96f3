/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/session_limits.h"

static const struct {
	enum limit_unit unit;
	const char *text;
	int result;
	uint64_t value;
} cases[] = {
	{LIMIT_BYTES, "1", 0, 1},
	{LIMIT_BYTES, "500M", 0, 500000000},
	{LIMIT_BYTES, "1.5G", 0, 1500000000},
	{LIMIT_BYTES, "0.5k", 0, 500},
	{LIMIT_BYTES, "1.0000019999k", 0, 1000},
	{LIMIT_BYTES, "20Gi", 0, UINT64_C(20) << 30},
	{LIMIT_BYTES, "1Ti", 0, UINT64_C(1) << 40},
	{LIMIT_BYTES, "1152921504606846976", 0, UINT64_C(1) << 60},
	{LIMIT_BYTES, "none", 0, 0},
	{LIMIT_BYTES, "1152921504606846977", -ERANGE, 0},
	{LIMIT_BYTES, "99999999999999999999999", -ERANGE, 0},
	{LIMIT_BYTES, "2000000000G", -ERANGE, 0},
	{LIMIT_BYTES, "0", -ERANGE, 0},
	{LIMIT_BYTES, "0.0001", -ERANGE, 0},
	{LIMIT_BYTES, "", -EINVAL, 0},
	{LIMIT_BYTES, "-1", -EINVAL, 0},
	{LIMIT_BYTES, "1.", -EINVAL, 0},
	{LIMIT_BYTES, ".5G", -EINVAL, 0},
	{LIMIT_BYTES, "1K", -EINVAL, 0},
	{LIMIT_BYTES, "1GB", -EINVAL, 0},
	{LIMIT_BYTES, "1i", -EINVAL, 0},
	{LIMIT_BYTES, "1 G", -EINVAL, 0},
	{LIMIT_BYTES, "1h", -EINVAL, 0},
	{LIMIT_BITS, "20M", 0, 20000000},
	{LIMIT_BITS, "100G", 0, UINT64_C(100000000000)},
	{LIMIT_BITS, "101G", -ERANGE, 0},
	{LIMIT_SECONDS, "1h30m", 0, 5400},
	{LIMIT_SECONDS, "none", 0, 0},
	{LIMIT_SECONDS, "0s", -ERANGE, 0},
	{LIMIT_SECONDS, "3651d", -ERANGE, 0},
	{LIMIT_SECONDS, "10", -EINVAL, 0},
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 77;
		const int r = limit_parse(cases[i].unit, cases[i].text, &value);

		if (r != cases[i].result || value != (r == 0 ? cases[i].value : 77))
			fail_msg("\"%s\": %d, %llu", cases[i].text, r, (unsigned long long)value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
