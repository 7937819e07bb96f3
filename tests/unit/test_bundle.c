/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/bundle.h"

static int sealed(struct bundle_writer *w)
{
	int fd = -1;

	assert_int_equal(bundle_seal(w, &fd), 0);
	bundle_writer_finish(w);
	return fd;
}

static void test_round_trip(void **state)
{
	static const char binary[] = {'a', 0, 'b', (char)0xff};
	struct bundle_writer w = {0};
	struct bundle *b = NULL;
	size_t len;

	(void)state;
	assert_int_equal(bundle_writer_init(&w), 0);
	assert_int_equal(bundle_add(&w, "binary", binary, sizeof(binary)), 0);
	assert_int_equal(bundle_add(&w, "empty", "", 0), 0);
	assert_int_equal(bundle_addf(&w, "zone/0/port", "%u", 2050U), 0);
	assert_int_equal(bundle_addf(&w, "text", "%s", "12x"), 0);
	int fd = sealed(&w);

	assert_int_equal(bundle_open(fd, &b), 0);
	close(fd);
	assert_memory_equal(bundle_get(b, "binary", &len), binary, sizeof(binary));
	assert_int_equal(len, sizeof(binary));
	assert_int_equal(bundle_get(b, "binary", NULL)[sizeof(binary)], '\0');
	assert_string_equal(bundle_get(b, "empty", &len), "");
	assert_int_equal(len, 0);
	assert_string_equal(bundle_get(b, "zone/0/port", NULL), "2050");
	assert_int_equal(bundle_get_number(b, "zone/0/port", 7), 2050);
	assert_int_equal(bundle_get_number(b, "text", 7), 7);
	assert_int_equal(bundle_get_number(b, "empty", 7), 7);
	assert_int_equal(bundle_get_number(b, "none", 7), 7);
	assert_null(bundle_get(b, "bin", NULL));
	assert_null(bundle_get(b, "", NULL));
	bundle_destroy(b);
	bundle_destroy(NULL);
}

static void test_sealed_is_fixed(void **state)
{
	struct bundle_writer w = {0};

	(void)state;
	assert_int_equal(bundle_writer_init(&w), 0);
	assert_int_equal(bundle_add(&w, "a", "b", 1), 0);
	int fd = sealed(&w);

	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_ptr_equal(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
}

static void test_limits(void **state)
{
	struct bundle_writer w = {0};
	char name[BUNDLE_NAME_MAX + 2];

	(void)state;
	assert_int_equal(bundle_writer_init(&w), 0);
	memset(name, 'n', sizeof(name));
	name[BUNDLE_NAME_MAX + 1] = '\0';
	assert_int_equal(bundle_add(&w, name, "", 0), -EINVAL);
	name[BUNDLE_NAME_MAX] = '\0';
	assert_int_equal(bundle_add(&w, name, "", 0), 0);
	assert_int_equal(bundle_add(&w, "", "", 0), -EINVAL);
	assert_int_equal(bundle_add(&w, "large", "", (size_t)BUNDLE_SIZE_MAX + 1), -EFBIG);
	bundle_writer_finish(&w);
	bundle_writer_finish(&w);
}

static void test_open_refuses(void **state)
{
	struct bundle *b = NULL;
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(bundle_open(fd, &b), -EBADMSG);
	assert_int_equal(write(fd, "garbage that is no bundle", 25), 25);
	assert_int_equal(bundle_open(fd, &b), -EBADMSG);
	assert_int_equal(ftruncate(fd, (off_t)BUNDLE_SIZE_MAX + 1), 0);
	assert_int_equal(bundle_open(fd, &b), -EFBIG);
	close(fd);
	assert_int_equal(bundle_open(-1, &b), -EBADF);
	assert_null(b);
}

static void test_check(void **state)
{
	/* lengths in host byte order, so these are built here */
	static const struct {
		const char *what;
		uint32_t name_len, data_len;
		const char *rest;
		size_t rest_len;
		int result;
	} cases[] = {
		{"whole", 1, 2, "n\0dd\0", 5, 0},
		{"no data", 1, 0, "n\0\0", 3, 0},
		{"no name", 0, 2, "\0dd\0", 4, -EBADMSG},
		{"cut before the last NUL", 1, 2, "n\0dd", 4, -EBADMSG},
		{"cut in the data", 1, 2, "n\0d", 3, -EBADMSG},
		{"cut in the name", 5, 2, "n", 1, -EBADMSG},
		{"nothing but the head", 1, 2, "", 0, -EBADMSG},
		{"no NUL behind the name", 1, 2, "nxdd\0", 5, -EBADMSG},
		{"a NUL in the name", 2, 1, "\0n\0d\0", 5, -EBADMSG},
		{"no NUL behind the data", 1, 2, "n\0ddx", 5, -EBADMSG},
		{"a long name", BUNDLE_NAME_MAX + 1, 0, "", 0, -EBADMSG},
		{"the longest length", 1, UINT32_MAX, "n\0dd\0", 5, -EBADMSG},
		{"the longest name", UINT32_MAX, 2, "n\0dd\0", 5, -EBADMSG},
		{"half a head behind it", 1, 0, "n\0\0\1\0\0\0", 7, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t len = 8 + cases[i].rest_len;
		char *exact = malloc(len); /* so that a sanitizer sees a step beyond */

		assert_non_null(exact);
		memcpy(exact, &cases[i].name_len, 4);
		memcpy(exact + 4, &cases[i].data_len, 4);
		memcpy(exact + 8, cases[i].rest, cases[i].rest_len);
		if (bundle_check(exact, len) != cases[i].result)
			fail_msg("%s", cases[i].what);
		free(exact);
	}
	assert_int_equal(bundle_check("", 0), 0);
	assert_int_equal(bundle_check("\1\0\0\0\0\0\0", 7), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_sealed_is_fixed),
		cmocka_unit_test(test_limits),	   cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
