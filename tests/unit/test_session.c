/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/session_comment.h"

static const struct mac mac_a = {{2, 0, 0x5e, 0x10, 0, 1}};
static const struct mac mac_b = {{2, 0, 0x5e, 0x10, 0, 2}};

static void test_comment_round_trip(void **state)
{
	static const struct {
		enum session_how how;
		const char *note;
		struct limits limits;
	} cases[] = {{HOW_LOGIN, "", {0}},
		     {HOW_GRANT, "Room 12", {0}},
		     {HOW_GRANT, "  two  blanks ", {0}},
		     {HOW_LOGIN, "grant", {0}},
		     {HOW_LOGIN, "idle=5 is no limit", {.rate_up = 1}},
		     {HOW_LOGIN, "; idle=5", {.idle = UINT32_MAX}},
		     {HOW_GRANT, "", {.quota_total = UINT64_C(1) << 60, .rate_down = 20000000}},
		     {HOW_GRANT, "room", {1, 2, 3, 4, 5, 6}}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session s = {0};
		char comment[COMMENT_MAX];

		session_comment(comment, 1795350000, cases[i].how, &cases[i].limits, cases[i].note);
		session_parse_comment(&s, comment);
		assert_int_equal(s.started, 1795350000);
		assert_int_equal(s.how, cases[i].how);
		assert_string_equal(s.note, cases[i].note);
		assert_memory_equal(&s.limits, &cases[i].limits, sizeof(s.limits));
	}
}

static void test_foreign_comments(void **state)
{
	static const struct {
		const char *comment;
		enum session_how how;
	} cases[] = {
		{"", HOW_GRANT},
		{"hello", HOW_GRANT},
		{"1795350000", HOW_GRANT},
		{"99999999999999999999999 login", HOW_LOGIN},
		{"12 a-word-that-is-longer-than-any-of-ours note", HOW_GRANT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session s = {0};
		uint64_t now = now_unix();

		session_parse_comment(&s, cases[i].comment);
		assert_int_equal(s.how, cases[i].how);
		assert_true(s.started <= now + 1);
	}
}

static void test_longest_note_fits(void **state)
{
	const struct limits none = {0};
	char note[NOTE_MAX], comment[COMMENT_MAX];
	struct session s = {0};

	(void)state;
	memset(note, 'n', sizeof(note) - 1);
	note[sizeof(note) - 1] = '\0';
	session_comment(comment, 1795350000, HOW_LOGIN, &none, note);
	session_parse_comment(&s, comment);
	assert_string_equal(s.note, note);
}

struct counted {
	struct sessions *table;
	int expired;
};

static void count_expired(void *data, struct session *s)
{
	struct counted *c = data;

	c->expired++;
	sessions_remove(c->table, s);
}

static void test_table_and_expiry(void **state)
{
	struct sessions t = {.base = event_base_new()};
	struct counted counted = {&t, 0};

	(void)state;
	t.expired = count_expired;
	t.data = &counted;
	assert_non_null(sessions_put(&t, 0, &mac_a, 20));
	assert_non_null(sessions_put(&t, 1, &mac_a, 3600 * 1000));
	assert_non_null(sessions_put(&t, 0, &mac_b, 20));
	assert_non_null(sessions_put(&t, 0, &mac_b, 3600 * 1000)); /* extended */
	assert_int_equal(HASH_COUNT(t.all), 3);
	assert_null(sessions_find(&t, 2, &mac_a));
	assert_in_range(session_seconds_left(sessions_find(&t, 1, &mac_a)), 3599, 3600);
	while (counted.expired == 0)
		event_base_loop(t.base, EVLOOP_ONCE);
	assert_null(sessions_find(&t, 0, &mac_a));
	assert_non_null(sessions_find(&t, 1, &mac_a));
	assert_non_null(sessions_find(&t, 0, &mac_b));
	sessions_finish(&t);
	assert_null(t.all);
	event_base_free(t.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comment_round_trip),
		cmocka_unit_test(test_foreign_comments),
		cmocka_unit_test(test_longest_note_fits),
		cmocka_unit_test(test_table_and_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
