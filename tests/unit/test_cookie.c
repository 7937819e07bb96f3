/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "portal/cookie.h"

static const uint8_t key[COOKIE_KEY_LEN] = "one of the keys", other_key[COOKIE_KEY_LEN] = "another";
static const struct mac mac = {{2, 0, 0, 0, 0, 1}};
static const struct addr src = {.family = 4, .port = 40000, .b = {192, 0, 2, 10}};
static const struct addr dst = {.family = 4, .port = 80, .b = {198, 51, 100, 5}};
static const struct cookie_flow flow = {&mac, &src, &dst, 0};

/* What was put in comes out, at each age and however much is acknowledged. */
static void test_round(void **state)
{
	struct cookie_keys keys;
	struct cookie c;

	(void)state;
	cookie_init(&keys, key, 0);
	for (uint64_t made = 0; made < 3 * COOKIE_SLOTS * COOKIE_SLOT; made += 7) {
		const unsigned int class = made % COOKIE_CLASSES;
		const uint32_t number = cookie_make(&keys, &flow, class, made);

		for (unsigned int age = 0; age < COOKIE_SLOTS; age++) {
			const uint32_t acked = age * 8191 / (COOKIE_SLOTS - 1);

			assert_true(cookie_check(&keys, &flow, number + 1 + acked,
						 made + age * COOKIE_SLOT, &c));
			assert_int_equal(c.class, class);
			assert_int_equal(c.age, age);
			assert_int_equal(c.acked, acked);
		}
		assert_false(cookie_check(&keys, &flow, number + 1,
					  made + COOKIE_SLOTS * COOKIE_SLOT, &c));
	}
}

/* Each part of the flow and the key matter. */
static void test_other_flow(void **state)
{
	const struct mac mac2 = {{2, 0, 0, 0, 0, 2}};
	struct addr port = src, address = src, server = dst, server_port = dst, family = src;
	struct cookie_keys keys, keys2;
	struct cookie c;

	(void)state;
	port.port++;
	address.b[3]++;
	server.b[0]++;
	server_port.port++;
	family.family = 6;
	const struct cookie_flow others[] = {
		{&mac2, &src, &dst, 0},	  {&mac, &port, &dst, 0}, {&mac, &address, &dst, 0},
		{&mac, &src, &server, 0}, {&mac, &src, &dst, 1},  {&mac, &src, &server_port, 0},
		{&mac, &family, &dst, 0}, {&mac, &dst, &src, 0},
	};

	cookie_init(&keys, key, 1000);
	cookie_init(&keys2, other_key, 1000);
	const uint32_t number = cookie_make(&keys, &flow, 3, 1000);

	assert_true(cookie_check(&keys, &flow, number + 1, 1000, &c));
	assert_false(cookie_check(&keys2, &flow, number + 1, 1000, &c));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(cookie_check(&keys, &others[i], number + 1, 1000, &c));
		assert_int_not_equal(cookie_make(&keys, &others[i], 3, 1000) >> 13, number >> 13);
	}
}

/* A blind guess succeeds about once in 2048 tries. */
static void test_guess(void **state)
{
	struct cookie_keys keys;
	struct cookie c;
	unsigned int hits = 0;

	(void)state;
	cookie_init(&keys, key, 1000);
	cookie_rotate(&keys, other_key, 1064);
	for (uint32_t i = 0; i < 1 << 19; i++)
		hits += cookie_check(&keys, &flow, i * 2654435761u, 1100, &c);
	assert_in_range(hits, 256 / 2, 256 * 3 / 2);
}

/* Numbers of the last key are good, of later slots than the change not: nobody makes those. */
static void test_rotate(void **state)
{
	struct cookie_keys keys, old;
	struct cookie c;

	(void)state;
	cookie_init(&keys, key, 1000);
	old = keys;
	const uint32_t before = cookie_make(&keys, &flow, 1, 1000);

	cookie_rotate(&keys, other_key, 1010);
	const uint32_t after = cookie_make(&keys, &flow, 1, 1010);

	assert_true(cookie_check(&keys, &flow, before + 1, 1010, &c));
	assert_true(cookie_check(&keys, &flow, before + 1, 1126, &c));
	assert_true(cookie_check(&keys, &flow, after + 1, 1010, &c));
	assert_false(cookie_check(&keys, &flow, cookie_make(&old, &flow, 1, 1020) + 1, 1020, &c));
	cookie_rotate(&keys, key, 1030);
	assert_false(cookie_check(&keys, &flow, before + 1, 1126 + 2, &c));
	assert_true(cookie_check(&keys, &flow, after + 1, 1030, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_other_flow),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_rotate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
