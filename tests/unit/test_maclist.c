/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "daemon/maclist.h"

static const struct mac one = {{2, 0, 0, 0, 0, 1}}, two = {{2, 0, 0, 0, 0, 2}};

static void put(struct maclist *list, const char *zone, const struct mac *mac, const char *note)
{
	struct store_entry entry = {.list = STORE_BLOCK, .mac = *mac};

	snprintf(entry.zone, sizeof(entry.zone), "%s", zone);
	snprintf(entry.note, sizeof(entry.note), "%s", note);
	assert_int_equal(maclist_put(list, &entry), 0);
}

static void test_zones(void **state)
{
	struct maclist list = {0};

	(void)state;
	put(&list, "guest", &one, "here");
	assert_string_equal(maclist_find(&list, "guest", &one)->note, "here");
	assert_null(maclist_find(&list, "staff", &one));
	assert_null(maclist_find(&list, "guest", &two));
	put(&list, "", &one, "everywhere");
	assert_string_equal(maclist_find(&list, "guest", &one)->note, "here");
	assert_string_equal(maclist_find(&list, "staff", &one)->note, "everywhere");
	assert_true(maclist_remove(&list, "guest", &one));
	assert_false(maclist_remove(&list, "guest", &one));
	assert_string_equal(maclist_find(&list, "guest", &one)->note, "everywhere");
	maclist_finish(&list);
	assert_null(maclist_find(&list, "guest", &one));
}

static void test_replace(void **state)
{
	struct maclist list = {0};

	(void)state;
	put(&list, "guest", &one, "first");
	put(&list, "guest", &one, "second");
	assert_string_equal(maclist_find(&list, "guest", &one)->note, "second");
	assert_true(maclist_remove(&list, "guest", &one));
	assert_null(maclist_find(&list, "guest", &one));
	maclist_finish(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
