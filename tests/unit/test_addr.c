/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "common/addr.h"

static void test_mac(void **state)
{
	static const struct {
		const char *text, *normal; /* NULL: no MAC */
	} cases[] = {
		{"02:00:5e:10:00:01", "02:00:5e:10:00:01"},
		{"02-00-5E-10-00-01", "02:00:5e:10:00:01"},
		{"FE:FF:FF:FF:FF:FF", "fe:ff:ff:ff:ff:ff"},
		{"00:00:00:00:00:01", "00:00:00:00:00:01"},
		{"00:00:00:00:00:00", NULL},
		{"ff:ff:ff:ff:ff:ff", NULL},
		{"01:00:5e:00:00:01", NULL},
		{"33:33:00:00:00:01", NULL},
		{"", NULL},
		{"02:00:5e:10:00", NULL},
		{"02:00:5e:10:00:0", NULL},
		{"02:00:5e:10:00:011", NULL},
		{"02:00:5e:10:00:01 ", NULL},
		{"02:00:5e:10:00:0g", NULL},
		{"02.00.5e.10.00.01", NULL},
		{"02005e100001", NULL},
		{"0200.5e10.0001", NULL},
		{"0x:00:5e:10:00:01", NULL},
		{" 2:00:5e:10:00:01", NULL},
	};
	char text[MAC_TEXT_MAX];
	struct mac mac;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&mac, 0xaa, sizeof(mac));
		int r = mac_parse(cases[i].text, &mac);

		if (r != (cases[i].normal ? 0 : -EINVAL))
			fail_msg("\"%s\": %d", cases[i].text, r);
		if (r == 0)
			assert_string_equal(mac_format(&mac, text), cases[i].normal);
		else
			assert_int_equal(mac.b[0], 0xaa);
	}
}

static void test_mac_equal(void **state)
{
	const struct mac a = {{2, 0, 0, 0, 0, 1}}, b = {{2, 0, 0, 0, 0, 2}};

	(void)state;
	assert_true(mac_equal(&a, &a));
	assert_false(mac_equal(&a, &b));
}

static void test_sockaddr(void **state)
{
	static const struct {
		const char *from, *to;
		uint8_t family;
		bool link_local;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", 4, false},
		{"169.254.1.1", "169.254.1.1", 4, false},
		{"254.128.0.1", "254.128.0.1", 4, false},
		{"2001:db8::1", "2001:db8::1", 6, false},
		{"fe80::1", "fe80::1", 6, true},
		{"febf::1", "febf::1", 6, true},
		{"fec0::1", "fec0::1", 6, false},
		{"::ffff:192.0.2.1", "192.0.2.1", 4, false},
		{"::1", "::1", 6, false},
	};
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage sa = {0};
		struct sockaddr_in *in = (struct sockaddr_in *)&sa;
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&sa;
		struct addr addr;

		if (strchr(cases[i].from, ':')) {
			in6->sin6_family = AF_INET6;
			in6->sin6_port = htons(1234);
			assert_int_equal(inet_pton(AF_INET6, cases[i].from, &in6->sin6_addr), 1);
		} else {
			in->sin_family = AF_INET;
			in->sin_port = htons(1234);
			assert_int_equal(inet_pton(AF_INET, cases[i].from, &in->sin_addr), 1);
		}
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &addr), 0);
		assert_int_equal(addr.family, cases[i].family);
		assert_int_equal(addr.port, 1234);
		assert_string_equal(addr_format(&addr, text), cases[i].to);
		assert_int_equal(addr_is_link_local(&addr), cases[i].link_local);
	}
}

static void test_other_family(void **state)
{
	const struct sockaddr sa = {.sa_family = AF_UNIX};
	struct addr addr;

	(void)state;
	assert_int_equal(addr_from_sockaddr(&sa, &addr), -EAFNOSUPPORT);
}

/* Bytes behind an IPv4 address and the port are not compared. */
static void test_addr_equal(void **state)
{
	const struct addr a = {.family = 4, .port = 1, .b = {10, 0, 0, 1}};
	const struct addr same = {.family = 4, .port = 2, .b = {10, 0, 0, 1, 99}};
	const struct addr other = {.family = 4, .b = {10, 0, 0, 2}};
	const struct addr six = {.family = 6, .b = {10, 0, 0, 1}},
			  six_other = {.family = 6, .b = {10, 0, 0, 1, 99}};

	(void)state;
	assert_true(addr_equal(&a, &same));
	assert_false(addr_equal(&a, &other));
	assert_false(addr_equal(&a, &six));
	assert_false(addr_equal(&six, &six_other));
	assert_true(addr_equal(&six, &six));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac),	   cmocka_unit_test(test_mac_equal),
		cmocka_unit_test(test_sockaddr),   cmocka_unit_test(test_other_family),
		cmocka_unit_test(test_addr_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
