/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "portal/accept.h"

static void test_rows(void **state)
{
	static const struct {
		const char *accept;
		bool page;
	} rows[] = {
		{NULL, false},
		{"", false},
		{"*/*", false},
		{"application/captive+json", false},
		{"APPLICATION/CAPTIVE+JSON;q=0.5", false},
		{"application/json, text/plain, */*", false},
		{"image/png", false},
		{"nonsense", false},
		{",;,; ,", false},
		{"text/htmlx", false},
		{"text/htm", false},
		{"xtext/html", false},
		{"text/plain; x=text/html", false},
		{"text/html, application/captive+json;q=0.1", false},
		{"application/capport+json,text/html", false},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
		{"Text/HTML", true},
		{" ,\ttext/html ; level=1", true},
		{"*/*;q=0.1, application/xhtml+xml", true},
		{"text/html, application/captive+jsonx", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (accept_wants_page(rows[i].accept) != rows[i].page)
			fail_msg("%s", rows[i].accept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
