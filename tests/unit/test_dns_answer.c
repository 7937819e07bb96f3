/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portal/dns_answer.h"

enum { A = 1, CNAME = 5, AAAA = 28, TCP = 6, UDP = 17 };

static const char list[] = "www.example.org *.wild.example.org:443/tcp a.wild.example.org";

/* An answer under construction, behind the headers of IPv4 and UDP, or of IPv6 and TCP. */
struct answer {
	uint8_t bytes[2048];
	size_t begin, len;
};

static void put(struct answer *a, const void *data, size_t len)
{
	assert_true(a->len + len <= sizeof(a->bytes));
	memcpy(a->bytes + a->len, data, len);
	a->len += len;
}

static void put_word(struct answer *a, unsigned int word)
{
	put(a, (const uint8_t[]){(uint8_t)(word >> 8), (uint8_t)word}, 2);
}

/* "@12": a pointer to byte 12 of the message. */
static void put_name(struct answer *a, const char *name)
{
	while (*name && *name != '@') {
		const uint8_t len = (uint8_t)strcspn(name, ".@");

		put(a, &len, 1);
		put(a, name, len);
		name += len + (name[len] == '.');
	}
	if (*name == '@')
		put_word(a, 0xc000U | (unsigned int)atoi(name + 1));
	else
		put(a, "", 1);
}

static void put_record(struct answer *a, const char *owner, unsigned int type, uint32_t ttl,
		       const char *data)
{
	uint8_t addr[16];

	put_name(a, owner);
	put_word(a, type);
	put_word(a, 1);
	put_word(a, ttl >> 16);
	put_word(a, ttl & 0xffff);
	if (type == CNAME) {
		struct answer name = {.len = 0};

		put_name(&name, data);
		put_word(a, (unsigned int)name.len);
		put(a, name.bytes, name.len);
		return;
	}
	assert_int_equal(inet_pton(type == A ? AF_INET : AF_INET6, data, addr), 1);
	put_word(a, type == A ? 4 : 16);
	put(a, addr, type == A ? 4 : 16);
}

static struct answer begin(uint8_t protocol, const char *name, unsigned int flags,
			   unsigned int records)
{
	struct answer a = {.begin = protocol == UDP ? 20 + 8 : 40 + 20 + 2};

	a.len = a.begin;
	a.bytes[0] = protocol == UDP ? 0x45 : 0x60;
	a.bytes[protocol == UDP ? 9 : 6] = protocol;
	a.bytes[protocol == UDP ? 20 + 1 : 40 + 1] = 53;
	if (protocol == TCP)
		a.bytes[40 + 12] = 0x50;
	put_word(&a, 0x1234);
	put_word(&a, flags);
	put_word(&a, 1);
	put_word(&a, records);
	put(&a, "\0\0\0\0", 4);
	put_name(&a, name);
	put_word(&a, A);
	put_word(&a, 1);
	return a;
}

static void store_word(struct answer *a, size_t at, size_t word)
{
	a->bytes[at] = (uint8_t)(word >> 8);
	a->bytes[at + 1] = (uint8_t)word;
}

/* Fills the lengths in and reads it. */
static bool finish(struct answer *a, struct dns_answer *ret_answer)
{
	static struct garden garden;
	char bad[GARDEN_TEXT_MAX];

	assert_int_equal(garden_parse(list, &garden, bad), 0);
	if (a->bytes[0] == 0x45) {
		store_word(a, 2, a->len);
		store_word(a, 24, a->len - 20);
	} else {
		store_word(a, 4, a->len - 40);
		store_word(a, a->begin - 2, a->len - a->begin);
	}
	return dns_answer_read(a->bytes, a->len, &garden, ret_answer);
}

static void assert_found(const struct dns_answer *answer, size_t i, const char *addr, uint32_t ttl)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(&answer->found[i].addr, text), addr);
	assert_int_equal(answer->found[i].ttl, ttl);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		uint64_t names;
	} cases[] = {
		{"www.example.org", 1},
		{"WWW.Example.ORG", 1},
		{"a.wild.example.org", 2 | 4},
		{"b.c.wild.example.org", 2},
		{"wild.example.org", 0},
		{"xwild.example.org", 0},
		{"example.org", 0},
		{"www.example.org.example", 0},
		{"x.www.example.org", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const char *name = cases[i / 2].name;
		struct answer a = begin(i % 2 ? TCP : UDP, name, 0x8180, 2);
		struct dns_answer answer;

		put_record(&a, "@12", A, 300, "192.0.2.7");
		put_record(&a, name, AAAA, 30, "2001:db8::7");
		print_message("%s\n", name);
		assert_int_equal(finish(&a, &answer), cases[i / 2].names != 0);
		if (!cases[i / 2].names)
			continue;
		assert_int_equal(answer.names, cases[i / 2].names);
		assert_int_equal(answer.count, 2);
		assert_found(&answer, 0, "192.0.2.7", 300);
		assert_found(&answer, 1, "2001:db8::7", 30);
	}
}

static void test_chain(void **state)
{
	struct answer a = begin(UDP, "www.example.org", 0x8180, 5);
	struct dns_answer answer;

	(void)state;
	/* in no order; of other names are those that nothing leads to */
	put_record(&a, "end.example.net", A, 100, "192.0.2.1");
	put_record(&a, "else.example.net", A, 100, "192.0.2.2");
	put_record(&a, "hop.example.net", CNAME, 20, "END.example.net");
	put_record(&a, "@12", CNAME, 50, "hop.example.net");
	put_record(&a, "@12", A, 100, "192.0.2.3");
	assert_true(finish(&a, &answer));
	assert_int_equal(answer.count, 1);
	assert_found(&answer, 0, "192.0.2.1", 20);
}

static void test_loop(void **state)
{
	struct answer a = begin(UDP, "www.example.org", 0x8180, 3);
	struct dns_answer answer;

	(void)state;
	put_record(&a, "www.example.org", CNAME, 20, "hop.example.net");
	put_record(&a, "hop.example.net", CNAME, 20, "www.example.org");
	put_record(&a, "hop.example.org", A, 20, "192.0.2.1");
	assert_false(finish(&a, &answer));
}

static void test_ttls(void **state)
{
	static const struct {
		uint32_t told, meant;
	} cases[] = {
		{0, 0}, {1, 1}, {INT32_MAX, INT32_MAX}, {UINT32_C(1) << 31, 0}, {UINT32_MAX, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a = begin(UDP, "www.example.org", 0x8180, 1);
		struct dns_answer answer;

		put_record(&a, "@12", A, cases[i].told, "192.0.2.1");
		assert_true(finish(&a, &answer));
		assert_found(&answer, 0, "192.0.2.1", cases[i].meant);
	}
}

static void test_addresses_that_cannot_be(void **state)
{
	static const char *const cases[] = {
		"0.0.0.0",     "0.1.2.3",   "127.0.0.1",	"127.255.255.255",
		"169.254.1.1", "224.0.0.1", "240.0.0.1",	"255.255.255.255",
		"::",	       "::1",	    "::ffff:192.0.2.1", "::192.0.2.1",
		"fe80::1",     "febf::1",   "ff02::1",
	};
	static const char *const fine[] = {"10.0.0.1",	"169.253.0.1", "223.255.255.255",
					   "126.0.0.1", "1::",	       "fec0::1",
					   "fd00::1",	"2001:db8::1"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a = begin(UDP, "www.example.org", 0x8180, 1);
		struct dns_answer answer;

		print_message("%s\n", cases[i]);
		put_record(&a, "@12", strchr(cases[i], ':') ? AAAA : A, 9, cases[i]);
		assert_false(finish(&a, &answer));
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct answer a = begin(TCP, "www.example.org", 0x8180, 1);
		struct dns_answer answer;

		put_record(&a, "@12", strchr(fine[i], ':') ? AAAA : A, 9, fine[i]);
		assert_true(finish(&a, &answer));
		assert_found(&answer, 0, fine[i], 9);
	}
}

/* A question, errors, other opcodes; an answer that is truncated is read as far as it goes. */
static void test_flags(void **state)
{
	static const struct {
		unsigned int flags;
		bool fine;
	} cases[] = {{0x8180, true},  {0x81a0, true},  {0x8380, true},	{0x8500, true},
		     {0x0180, false}, {0x8183, false}, {0x8182, false}, {0xa180, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a = begin(UDP, "www.example.org", cases[i].flags, 1);
		struct dns_answer answer;

		put_record(&a, "@12", A, 9, "192.0.2.1");
		assert_int_equal(finish(&a, &answer), cases[i].fine);
	}
}

/* Pointers that lead forward, to themselves, or through too many others; a dot within a label. */
static void test_names_that_cannot_be(void **state)
{
	static const char *const owners[] = {"@100", "@33", "www.example.org@33", "@2000"};
	struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		struct answer a = begin(UDP, "www.example.org", 0x8180, 1);

		put_record(&a, owners[i], A, 9, "192.0.2.1");
		assert_false(finish(&a, &answer));
	}
	struct answer dotted = begin(UDP, "", 0x8180, 1);

	dotted.len = dotted.begin + 12;
	put(&dotted,
	    "\x0b"
	    "www.example\3org",
	    17);
	put_word(&dotted, A);
	put_word(&dotted, 1);
	put_record(&dotted, "@12", A, 9, "192.0.2.1");
	assert_false(finish(&dotted, &answer));
}

static void test_limits(void **state)
{
	struct answer a = begin(UDP, "www.example.org", 0x8180, DNS_RECORDS_MAX + 9);
	struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < DNS_RECORDS_MAX + 9; i++)
		put_record(&a, "@12", A, 9, "192.0.2.1");
	assert_true(finish(&a, &answer));
	assert_int_equal(answer.count, GARDEN_ANSWER_MAX);
	/* every beginning of it is read within its bounds (a sanitizer sees to that) */
	for (size_t len = 0; len < a.len; len++) {
		struct answer cut = a;
		static uint8_t tight[sizeof(a.bytes)];
		struct garden garden;
		char bad[GARDEN_TEXT_MAX];

		assert_int_equal(garden_parse(list, &garden, bad), 0);
		memcpy(tight + sizeof(tight) - len, cut.bytes, len);
		assert_false(dns_answer_read(tight + sizeof(tight) - len, len, &garden, &answer));
	}
}

static void test_other_packets(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} changes[] = {{0, 0x55}, {0, 0x44}, {6, 0x20}, {7, 0x01}, {9, 1}, {21, 54}, {20, 1}};
	struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct answer a = begin(UDP, "www.example.org", 0x8180, 1);

		put_record(&a, "@12", A, 9, "192.0.2.1");
		assert_true(finish(&a, &answer));
		struct garden garden;
		char bad[GARDEN_TEXT_MAX];

		assert_int_equal(garden_parse(list, &garden, bad), 0);
		a.bytes[changes[i].at] = changes[i].byte;
		assert_false(dns_answer_read(a.bytes, a.len, &garden, &answer));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_ttls),
		cmocka_unit_test(test_addresses_that_cannot_be),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_names_that_cannot_be),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_other_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
