/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "portal/token.h"

enum { NOW = 1800000000 };

static const uint8_t secret[TOKEN_SECRET_LEN] = "0123456789abcdef0123456789abcde";
static const struct mac guest = {{2, 0, 0x5e, 0x10, 0, 1}}, other = {{2, 0, 0x5e, 0x10, 0, 2}};

static void test_binding(void **state)
{
	uint8_t wrong[TOKEN_SECRET_LEN];
	char text[TOKEN_TEXT_MAX];

	(void)state;
	memcpy(wrong, secret, sizeof(wrong));
	wrong[31] ^= 1;
	token_make(secret, "guest", &guest, NOW, text);
	assert_true(strlen(text) < TOKEN_TEXT_MAX);
	assert_int_equal(token_check(secret, "guest", &guest, NOW, text), 0);
	assert_int_equal(token_check(secret, "guest", &other, NOW, text), -EINVAL);
	assert_int_equal(token_check(secret, "guest2", &guest, NOW, text), -EINVAL);
	assert_int_equal(token_check(secret, "gues", &guest, NOW, text), -EINVAL);
	assert_int_equal(token_check(wrong, "guest", &guest, NOW, text), -EINVAL);
}

static void test_time(void **state)
{
	static const struct {
		int64_t later;
		int wanted;
	} rows[] = {
		{0, 0},		  {TOKEN_LIFE, 0},	     {TOKEN_LIFE + 1, -ETIME},
		{-TOKEN_SKEW, 0}, {-TOKEN_SKEW - 1, -ETIME}, {1000000000, -ETIME},
	};
	char text[TOKEN_TEXT_MAX];

	(void)state;
	token_make(secret, "guest", &guest, NOW, text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(token_check(secret, "guest", &guest, NOW + rows[i].later, text),
				 rows[i].wanted);
}

static void test_changed(void **state)
{
	static const char *const rows[] = {"", "A", "====", "AAAAAAAAAAA", "not base64!"};
	char text[TOKEN_TEXT_MAX], changed[TOKEN_TEXT_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(token_check(secret, "guest", &guest, NOW, rows[i]), -EINVAL);
	token_make(secret, "guest", &guest, NOW, text);
	for (size_t i = 0; text[i]; i++) {
		strcpy(changed, text);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_int_equal(token_check(secret, "guest", &guest, NOW, changed), -EINVAL);
		strcpy(changed, text);
		changed[i] = '\0';
		assert_int_equal(token_check(secret, "guest", &guest, NOW, changed), -EINVAL);
	}
	strcpy(changed, text);
	strcat(changed, "A");
	assert_int_equal(token_check(secret, "guest", &guest, NOW, changed), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_changed),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
