/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "portal/answer_cache.h"

enum { NOW = 1000 };

static struct answer_cache cache;
static const struct responder_request first = {
	.zone = 1, .family = 4, .method = "GET", .target = "/a", .host = "b"};

/* NULL: not there */
static const char *look(const struct responder_request *req, time_t now)
{
	static char text[ANSWER_CACHE_TEXT_MAX + 1];
	int len = answer_cache_get(&cache, req, now, text, sizeof(text) - 1);

	text[len] = '\0';
	return len > 0 ? text : NULL;
}

static int keep_first(void **state)
{
	(void)state;
	answer_cache_clear(&cache);
	if (look(&first, NOW))
		return -1;
	answer_cache_put(&cache, &first, "one", 3);
	return 0;
}

static void test_same(void **state)
{
	char small[2];

	(void)state;
	assert_string_equal(look(&first, NOW), "one");
	answer_cache_put(&cache, &first, "two", 3);
	assert_string_equal(look(&first, NOW), "two");
	assert_int_equal(answer_cache_get(&cache, &first, NOW, small, sizeof(small)), 0);
}

static void test_another_second(void **state)
{
	(void)state;
	assert_null(look(&first, NOW + 1));
	assert_null(look(&first, NOW)); /* the clock was set back: that second's are gone */
}

static void test_clear(void **state)
{
	(void)state;
	answer_cache_clear(&cache);
	assert_null(look(&first, NOW));
}

/* As if all requests met in one slot */
static void put_everywhere(const struct responder_request *req, const char *answer)
{
	struct answer_cache_slot slot = {0};

	memset(cache.slots, 0, sizeof(cache.slots));
	answer_cache_put(&cache, req, answer, strlen(answer));
	for (size_t i = 0; i < ANSWER_CACHE_SLOTS; i++) {
		if (cache.slots[i].key_len > 0)
			slot = cache.slots[i];
	}
	for (size_t i = 0; i < ANSWER_CACHE_SLOTS; i++)
		cache.slots[i] = slot;
}

/* Two would be taken for each other if something was left out of what is compared. */
static void test_others(void **state)
{
	static const struct responder_request requests[] = {
		{.zone = 1, .family = 4, .method = "GET", .target = "/a", .host = "b"},
		{.zone = 2, .family = 4, .method = "GET", .target = "/a", .host = "b"},
		{.zone = 1, .family = 6, .method = "GET", .target = "/a", .host = "b"},
		{.zone = 1, .family = 4, .method = "HEAD", .target = "/a", .host = "b"},
		{.zone = 1, .family = 4, .method = "GET", .target = "/A", .host = "b"},
		{.zone = 1, .family = 4, .method = "GET", .target = "/ab", .host = ""},
		{.zone = 1, .family = 4, .method = "GET", .target = "/", .host = "ab"},
		{.zone = 1, .family = 4, .method = "GET", .target = "/a", .host = "c"},
		{.zone = 1, .family = 4, .method = "GET", .target = "/a", .host = ""},
		{.zone = 1, .family = 4, .method = "GET", .target = "/a", .host = NULL},
	};
	const size_t count = sizeof(requests) / sizeof(requests[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		put_everywhere(&requests[i], "one");
		for (size_t k = 0; k < count; k++) {
			const char *found = look(&requests[k], NOW);

			if (k == i)
				assert_string_equal(found, "one");
			else
				assert_null(found);
		}
	}
}

/* What has no room is answered each time; nothing is written behind a slot. */
static void test_too_long(void **state)
{
	char target[ANSWER_CACHE_KEY_MAX + 1] = "/", text[ANSWER_CACHE_TEXT_MAX + 1];
	struct responder_request req = first;

	(void)state;
	memset(text, 'x', sizeof(text));
	answer_cache_put(&cache, &first, text, ANSWER_CACHE_TEXT_MAX);
	assert_int_equal(strlen(look(&first, NOW)), ANSWER_CACHE_TEXT_MAX);
	answer_cache_put(&cache, &first, text, sizeof(text));
	assert_int_equal(strlen(look(&first, NOW)), ANSWER_CACHE_TEXT_MAX);

	req.target = target;
	memset(target + 1, 'x', sizeof(target) - 2);
	for (size_t len = sizeof(target) - 1; len > ANSWER_CACHE_KEY_MAX - 12; len--) {
		const size_t needed = 3 + strlen(req.method) + 1 + len + 1 + strlen(req.host) + 1;

		target[len] = '\0';
		answer_cache_put(&cache, &req, "long", 4);
		const char *found = look(&req, NOW);

		if (needed <= ANSWER_CACHE_KEY_MAX)
			assert_string_equal(found, "long");
		else
			assert_null(found);
	}
}

static void ask_for(int number, struct responder_request *ret_req, char ret_target[static 16])
{
	snprintf(ret_target, 16, "/%d", number / 2);
	*ret_req = first;
	ret_req->family = number % 2 ? 6 : 4;
	ret_req->target = ret_target;
}

/* The few addresses that devices ask for do not drive each other out, and more than have room do no harm. */
static void test_many(void **state)
{
	struct responder_request req;
	char target[16];

	(void)state;
	answer_cache_clear(&cache);
	for (int i = 0; i < 16; i++) {
		ask_for(i, &req, target);
		answer_cache_put(&cache, &req, target, strlen(target));
	}
	for (int i = 0; i < 16; i++) {
		ask_for(i, &req, target);
		assert_string_equal(look(&req, NOW), target);
	}
	for (int i = 0; i < 10 * ANSWER_CACHE_SLOTS; i++) {
		ask_for(i, &req, target);
		answer_cache_put(&cache, &req, target, strlen(target));
		assert_string_equal(look(&req, NOW), target);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_same, keep_first),
		cmocka_unit_test_setup(test_another_second, keep_first),
		cmocka_unit_test_setup(test_clear, keep_first),
		cmocka_unit_test_setup(test_others, keep_first),
		cmocka_unit_test_setup(test_too_long, keep_first),
		cmocka_unit_test_setup(test_many, keep_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
