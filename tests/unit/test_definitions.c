/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nft/definitions.h"

#define HEAD "table inet portald {\n\tcomment \"x\"\n"
#define SETS                                                                                       \
	"\tset a { type ether_addr; flags timeout; }\n\tset b {\n\t\ttype ether_addr\n\t\tsize 9\n\t}\n"
#define BASE "\tchain in {\n\t\ttype filter hook input priority 0; policy accept;\n"
#define REST "\t\tjump c\n\t}\n\tchain c {\n\t\tdrop\n\t}\n}\n"
#define TEXT HEAD SETS BASE REST

static void test_alike(void **state)
{
	static const char *const texts[] = {
		"# a comment\n" TEXT,
		HEAD "\n\n" SETS "\t# type\n" BASE "\t\tdrop\n" REST, /* another rule */
		HEAD SETS BASE REST "chain d {\n\taccept\n}\n",	      /* another chain */
		HEAD SETS BASE REST "add element inet portald a { 02:00:5e:10:00:01 }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(definitions_hash(texts[i]) == definitions_hash(TEXT));
}

static void test_different(void **state)
{
	static const char *const texts[] = {
		HEAD BASE REST,
		HEAD "\tset a { type ether_addr; }\n" BASE REST,
		HEAD "\tset a { type ether_addr; flags timeout; }\n\tset b {\n\t\ttype ether_addr\n"
		     "\t\tsize 10\n\t}\n" BASE REST,
		HEAD "\tset a { type ether_addr; flags timeout; }\n\tset b {\n\t\ttype ether_addr\n"
		     "\t\telements = { 02:00:5e:10:00:01 }\n\t\tsize 9\n\t}\n" BASE REST,
		HEAD SETS
		"\tchain in {\n\t\ttype filter hook input priority 1; policy accept;\n" REST,
		HEAD SETS
		"\tchain inside {\n\t\ttype filter hook input priority 0; policy accept;\n" REST,
		HEAD SETS "\tmap m { type ifname : verdict; }\n" BASE REST,
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(definitions_hash(texts[i]) != definitions_hash(TEXT));
		for (size_t k = 0; k < i; k++)
			assert_true(definitions_hash(texts[i]) != definitions_hash(texts[k]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
