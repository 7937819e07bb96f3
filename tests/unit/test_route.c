/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "portal/route.h"

static void test_routes(void **state)
{
	static const struct {
		const char *method, *path;
		int wanted;
		enum route_id id;
		const char *allow;
	} rows[] = {
		{"GET", "/", 0, ROUTE_LANDING, NULL},
		{"HEAD", "/", 0, ROUTE_LANDING, NULL},
		{"GET", "/login", 0, ROUTE_LOGIN, NULL},
		{"POST", "/login", 0, ROUTE_LOGIN_POST, NULL},
		{"POST", "/logout", 0, ROUTE_LOGOUT_POST, NULL},
		{"GET", "/style.css", 0, ROUTE_STYLE, NULL},
		{"HEAD", "/api", 0, ROUTE_API, NULL},
		{"POST", "/api", -EACCES, 0, "GET, HEAD"},
		{"PUT", "/login", -EACCES, 0, "GET, HEAD, POST"},
		{"POST", "/status", -EACCES, 0, "GET, HEAD"},
		{"post", "/login", -EACCES, 0, "GET, HEAD, POST"},
		{"GET", "/Login", -ENOENT, 0, NULL},
		{"GET", "/login/", -ENOENT, 0, NULL},
		{"GET", "/%6cogin", -ENOENT, 0, NULL},
		{"GET", "/../login", -ENOENT, 0, NULL},
		{"GET", "", -ENOENT, 0, NULL},
		{"CONNECT", "", -ENOENT, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum route_id id = 0;
		const char *allow = NULL;

		assert_int_equal(
			route_find(rows[i].method, rows[i].path, strlen(rows[i].path), &id, &allow),
			rows[i].wanted);
		assert_int_equal(id, rows[i].id);
		if (rows[i].allow)
			assert_string_equal(allow, rows[i].allow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_routes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
