/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/text.h"

#include "daemon/session_comment.h"
#include "daemon/sessions.h"

static const struct mac mac_a = {{2, 0, 0x5e, 0x10, 0, 1}};
static const struct mac mac_b = {{2, 0, 0x5e, 0x10, 0, 2}};

static void test_comment_round_trip(void **state)
{
	static const struct {
		enum session_how how;
		const char *note;
		struct limits limits;
		uint64_t booted_ms, length_ms;
	} cases[] = {{HOW_LOGIN, "", {0}},
		     {HOW_GRANT, "Room 12", {0}},
		     {HOW_GRANT, "  two  blanks ", {0}},
		     {HOW_LOGIN, "grant", {0}},
		     {HOW_LOGIN, "idle=5 is no limit", {.rate_up = 1}},
		     {HOW_LOGIN, "; idle=5", {.idle = UINT32_MAX}},
		     {HOW_GRANT, "", {.quota_total = UINT64_C(1) << 60, .rate_down = 20000000}},
		     {HOW_GRANT, "room", {1, 2, 3, 4, 5, 6}},
		     {HOW_LOGIN, "", {0}, 1795340000123},
		     {HOW_LOGIN, "booted=7", {0}},
		     {HOW_LOGIN, "l=7", {.idle = 5}, 0, 28800000},
		     {HOW_GRANT, "; room", {.idle = 5}, 1},
		     /* more than whole names would leave room for */
		     {HOW_GRANT,
		      "7",
		      {900, 20000000000, 20000000000, 40000000000, 20000000, 100000000},
		      1795340000123,
		      86400000}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session s = {0};
		char comment[COMMENT_MAX];

		session_comment(comment, 1795350000, cases[i].how, cases[i].booted_ms,
				cases[i].length_ms, &cases[i].limits, cases[i].note);
		session_parse_comment(&s, comment);
		assert_int_equal(s.started, 1795350000);
		assert_int_equal(s.how, cases[i].how);
		assert_string_equal(s.note, cases[i].note);
		assert_memory_equal(&s.limits, &cases[i].limits, sizeof(s.limits));
		assert_int_equal(s.booted_ms, cases[i].booted_ms);
		assert_int_equal(s.length_ms, cases[i].length_ms);
		assert_true(s.told);
		assert_false(s.note_cut);
	}
}

/* A limit that does not fit is left out whole, and known to be. */
static void test_limits_that_do_not_fit(void **state)
{
	const uint64_t most = UINT64_C(1) << 60;
	const struct limits limits = {300000000, most, most, most, 100000000000, 99999999999};
	char comment[COMMENT_MAX];
	struct session s = {0};

	(void)state;
	session_comment(comment, 1795350000, HOW_GRANT, 1795340000123, 0, &limits, "room");
	session_parse_comment(&s, comment);
	assert_int_equal(s.booted_ms, 1795340000123);
	for (size_t i = 0; i < SESSION_LIMITS; i++)
		assert_true(limit_value(&s.limits, i) == 0 ||
			    limit_value(&s.limits, i) == limit_value(&limits, i));
	assert_int_equal(s.limits.quota_total, most);
	assert_int_equal(s.limits.rate_down, 0);
	assert_false(s.told);
	assert_string_equal(s.note, "");
}

/* Comments as an earlier version wrote them, cut where they were full. */
static void test_earlier_comments(void **state)
{
	static const struct {
		const char *comment;
		struct limits limits;
		bool told, note_cut;
	} cases[] = {
		{"1795350000 login idle=600 rate-down=20000000 ; a note",
		 {.idle = 600, .rate_down = 20000000},
		 true,
		 false},
		{"1795350000 login booted=7 quota-up=5", {.quota_up = 5}, true, false},
		{"1795350000 login idle=600 quota-up=20000000000 quota-down=20000000000 quota-total=40000000000 rate-up=20000000 rate-down=10000",
		 {600, 20000000000, 20000000000, 40000000000, 20000000, 10000},
		 false,
		 false},
		{"1795350000 login idle=600 quota-up=20000000000 quota-down=20000000000 quota-total=40000000000 rate-up=2000000000000000 rate-dow",
		 {600, 20000000000, 20000000000, 40000000000, 2000000000000000, 0},
		 false,
		 false},
		{"1795350000 login idle=600 quota-up=20000000000 quota-down=20000000000 quota-total=40000000000 rate-up=20000000 ; a note that is",
		 {600, 20000000000, 20000000000, 40000000000, 20000000, 0},
		 true,
		 true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session s = {0};

		session_parse_comment(&s, cases[i].comment);
		assert_memory_equal(&s.limits, &cases[i].limits, sizeof(s.limits));
		assert_int_equal(s.told, cases[i].told);
		assert_int_equal(s.note_cut, cases[i].note_cut);
	}
}

/* A note is cut at a character, also by who reads what an earlier version cut inside of one. */
static void test_note_is_cut_at_a_character(void **state)
{
	const struct limits limits = {.quota_up = UINT64_C(1) << 60,
				      .quota_down = UINT64_C(1) << 60};
	char comment[COMMENT_MAX];
	struct session s = {0};

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		char note[NOTE_MAX] = "xx";

		note[shift] = '\0';
		while (strlen(note) + 3 < sizeof(note))
			strcat(note, "\xe5\xae\xa2");
		session_comment(comment, 1795350000, HOW_GRANT, 0, 3600000, &limits, note);
		session_parse_comment(&s, comment);
		assert_true(text_is_plain(s.note));
		assert_true(s.told && s.note_cut);
		assert_memory_equal(s.note, note, strlen(s.note));
	}
	session_parse_comment(&s, "1795350000 grant ; \xe5\xae\xa2\xe5\xae");
	assert_string_equal(s.note, "\xe5\xae\xa2");
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
	session_comment(comment, 1795350000, HOW_LOGIN, 0, 3600000, &none, note);
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
	struct event_base *base = event_base_new();
	struct sessions t = {.expired = count_expired};
	struct counted counted = {&t, 0};

	(void)state;
	t.data = &counted;
	assert_int_equal(sessions_init(&t, base), 0);
	assert_non_null(sessions_put(&t, 0, &mac_a, now_boot_ms() + 20));
	assert_non_null(sessions_put(&t, 1, &mac_a, now_boot_ms() + 3600 * 1000));
	assert_non_null(sessions_put(&t, 0, &mac_b, now_boot_ms() + 20));
	assert_non_null(sessions_put(&t, 0, &mac_b, now_boot_ms() + 3600 * 1000)); /* extended */
	assert_int_equal(HASH_COUNT(t.all), 3);
	assert_null(sessions_find(&t, 2, &mac_a));
	assert_in_range(session_seconds_left(sessions_find(&t, 1, &mac_a)), 3599, 3600);
	while (counted.expired == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_null(sessions_find(&t, 0, &mac_a));
	assert_non_null(sessions_find(&t, 1, &mac_a));
	assert_non_null(sessions_find(&t, 0, &mac_b));
	sessions_finish(&t);
	assert_null(t.all);
	event_base_free(base);
}

static struct mac numbered(unsigned int n)
{
	return (struct mac){
		{2, 0, 0x5e, (unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n}};
}

static void count_in_order(void *data, struct session *s)
{
	static uint64_t last;
	struct counted *c = data;

	assert_true(s->ends_ms >= last);
	last = s->ends_ms;
	c->expired++;
	sessions_remove(c->table, s);
}

/* Many that end at once end in order, and not all of them in one turn. */
static void test_many_ends(void **state)
{
	enum { MANY = 2000 };
	struct event_base *base = event_base_new();
	struct sessions t = {.expired = count_in_order};
	struct counted counted = {&t, 0};
	int turns = 0;

	(void)state;
	t.data = &counted;
	assert_int_equal(sessions_init(&t, base), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		const struct mac mac = numbered(i);

		assert_non_null(sessions_put(&t, i % 3, &mac, now_boot_ms() + 3600 * 1000));
		assert_non_null(sessions_put(&t, i % 3, &mac, now_boot_ms() + 1 + i * 7919 % 50));
	}
	for (unsigned int i = 0; i < MANY; i += 5) {
		const struct mac mac = numbered(i);

		sessions_remove(&t, sessions_find(&t, i % 3, &mac));
	}
	for (; counted.expired < MANY * 4 / 5; turns++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(turns > 10);
	assert_null(t.all);
	sessions_finish(&t);
	event_base_free(base);
}

/* While a start reads the others, none ends. */
static void test_held(void **state)
{
	struct event_base *base = event_base_new();
	struct sessions t = {.expired = count_expired, .held = true};
	struct counted counted = {&t, 0};

	(void)state;
	t.data = &counted;
	assert_int_equal(sessions_init(&t, base), 0);
	assert_non_null(sessions_put(&t, 0, &mac_a, 1));
	assert_non_null(sessions_put(&t, 0, &mac_b, now_boot_ms() + 3600 * 1000));
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(counted.expired, 0);
	sessions_release(&t);
	while (counted.expired == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_null(sessions_find(&t, 0, &mac_a));
	assert_non_null(sessions_find(&t, 0, &mac_b));
	sessions_finish(&t);
	event_base_free(base);
}

static void test_walk(void **state)
{
	struct event_base *base = event_base_new();
	struct sessions t = {.expired = count_expired};
	struct sessions_walk w, other;
	struct session *s;

	(void)state;
	assert_int_equal(sessions_init(&t, base), 0);
	for (unsigned int i = 0; i < 9; i++) {
		const struct mac mac = numbered(i);

		sessions_put(&t, i < 5 ? 1 : 4, &mac, now_boot_ms() + 3600 * 1000);
	}
	sessions_walk_begin(&w, &t, 0, 8);
	sessions_walk_begin(&other, &t, 4, 5);
	for (unsigned int i = 0; i < 9; i++) {
		s = sessions_walk_next(&w);
		assert_non_null(s);
		assert_int_equal(s->key.zone, i < 4 ? 1 : 4);
		assert_int_equal(s->key.mac.b[5], i < 3 ? i : i + 1);
		if (i == 2) { /* what would be next, the last of its zone included */
			const struct mac next = numbered(3);

			sessions_remove(&t, sessions_find(&t, 1, &next));
		}
		if (i == 7)
			break;
	}
	assert_null(sessions_walk_next(&w));
	s = sessions_walk_next(&other);
	assert_int_equal(s->key.mac.b[5], 5);
	while ((s = TAILQ_FIRST(&t.lists[4])))
		sessions_remove(&t, s);
	assert_null(sessions_walk_next(&other));
	sessions_walk_end(&w);
	sessions_walk_end(&other);
	sessions_finish(&t);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comment_round_trip),
		cmocka_unit_test(test_limits_that_do_not_fit),
		cmocka_unit_test(test_earlier_comments),
		cmocka_unit_test(test_note_is_cut_at_a_character),
		cmocka_unit_test(test_foreign_comments),
		cmocka_unit_test(test_longest_note_fits),
		cmocka_unit_test(test_table_and_expiry),
		cmocka_unit_test(test_many_ends),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
