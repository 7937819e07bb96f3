/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/msg.h"

static int fds[2];

static int make_pair(void **state)
{
	(void)state;
	if (msg_socketpair(fds) < 0)
		return -1;
	return fcntl(fds[1], F_SETFL, O_NONBLOCK);
}

static int close_pair(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Sends `len` bytes with `count` copies of a descriptor. */
static void send_raw(const void *data, size_t len, int fd, size_t count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count > 0) {
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(fds[0], &hdr, 0), len);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(msg_size(0), 0);
	assert_int_equal(msg_size(MSG_TYPES), 0);
	assert_int_equal(msg_size(UINT32_MAX), 0);
	for (uint32_t type = 1; type < MSG_TYPES; type++) {
		assert_true(msg_size(type) >= sizeof(struct msg_head));
		assert_true(msg_size(type) <= sizeof(union msg));
	}
}

static void test_every_type(void **state)
{
	union msg *sent = calloc(1, sizeof(*sent)), *got = malloc(sizeof(*got));
	int fd;

	(void)state;
	assert_non_null(sent);
	assert_non_null(got);
	for (uint32_t type = 1; type < MSG_TYPES; type++) {
		const bool carries = (type == MSG_WEB_BUNDLE || type == MSG_QUEUE_OPEN);

		memset(sent, (int)type, sizeof(*sent));
		sent->head = (struct msg_head){.type = type, .id = 1000 + type};
		assert_int_equal(msg_send(fds[0], &sent->head, carries ? STDIN_FILENO : -1), 0);
		fd = -2;
		assert_int_equal(msg_recv(fds[1], got, &fd), 0);
		assert_memory_equal(got, sent, msg_size(type));
		assert_int_equal(fd >= 0, carries);
		if (carries) {
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
			close(fd);
		}
	}
	assert_int_equal(msg_recv(fds[1], got, &fd), -EAGAIN);
	sent->head.type = MSG_TYPES;
	assert_int_equal(msg_send(fds[0], &sent->head, -1), -EINVAL);
	free(sent);
	free(got);
}

/* What a compromised process could send: each refused, no descriptor left behind. */
static void test_malformed(void **state)
{
	static const struct {
		const char *what;
		uint32_t type;
		int extra; /* bytes more than the type has */
		size_t descriptors;
		bool no_room; /* the receiver takes no descriptor */
	} cases[] = {
		{"type 0", 0, 8, 0, false},
		{"an unknown type", MSG_TYPES, 8, 0, false},
		{"the largest type", UINT32_MAX, 8, 0, false},
		{"a byte too few", MSG_WEB_LOGIN, -1, 0, false},
		{"a byte too many", MSG_WEB_LOGIN, 1, 0, false},
		{"half a head", MSG_WEB_BUNDLE, -5, 1, false},
		{"a byte more than the largest", MSG_GATE_BULK, 1, 0, false},
		{"much more than the largest", MSG_GATE_BULK, 60000, 0, false},
		{"a descriptor too many", MSG_WEB_LOGIN, 0, 1, false},
		{"two descriptors too many", MSG_WEB_LOGIN, 0, 2, false},
		{"four descriptors too many", MSG_WEB_LOGIN, 0, 4, false},
		{"no descriptor", MSG_WEB_BUNDLE, 0, 0, false},
		{"two descriptors", MSG_WEB_BUNDLE, 0, 2, false},
		{"three descriptors", MSG_WEB_BUNDLE, 0, 3, false},
		{"a descriptor that nobody takes", MSG_WEB_BUNDLE, 0, 1, true},
	};
	char *data = calloc(1, sizeof(union msg) + 65536);
	union msg *got = malloc(sizeof(*got));

	(void)state;
	assert_non_null(data);
	assert_non_null(got);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int before = open_descriptors();
		const struct msg_head head = {.type = cases[i].type};
		int fd = -2;

		memcpy(data, &head, sizeof(head));
		send_raw(data, (size_t)((int)msg_size(cases[i].type) + cases[i].extra),
			 STDIN_FILENO, cases[i].descriptors);
		int r = msg_recv(fds[1], got, cases[i].no_room ? NULL : &fd);

		if (r != -EBADMSG || fd != -2)
			fail_msg("%s: %d, descriptor %d", cases[i].what, r, fd);
		if (open_descriptors() != before)
			fail_msg("%s: a descriptor leaks", cases[i].what);
	}
	free(data);
	free(got);
}

static void test_other_side_gone(void **state)
{
	struct msg_head head = {.type = MSG_GATE_DUMP};
	union msg *got = malloc(sizeof(*got));

	(void)state;
	assert_non_null(got);
	assert_int_equal(msg_send(fds[0], &head, -1), 0);
	shutdown(fds[0], SHUT_RDWR);
	assert_int_equal(msg_recv(fds[1], got, NULL), 0);
	assert_int_equal(msg_recv(fds[1], got, NULL), -EPIPE);
	assert_int_equal(msg_send(fds[1], &head, -1), -EPIPE);
	free(got);
}

static void test_full(void **state)
{
	struct gate_bulk *bulk = calloc(1, sizeof(*bulk));
	int r = 0, sent = 0;

	(void)state;
	assert_non_null(bulk);
	bulk->head.type = MSG_GATE_BULK;
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	for (; r == 0 && sent < 1000; sent++)
		r = msg_send(fds[0], &bulk->head, -1);
	assert_int_equal(r, -EAGAIN);
	assert_true(sent > 1);
	free(bulk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test_setup_teardown(test_every_type, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_malformed, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_other_side_gone, make_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_full, make_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
