/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames through the kernel's loopback interface, in a network namespace of the test's own.  Needs root. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>

#include "portal/frame.h"
#include "portal/send_ring.h"

enum {
	SKIPPED = 77,
	TYPE = 0x88b5, /* IEEE 802: for experiments */
	ETHERNET = 14,
	RECEIVE_BUFFER = 16 * 1024 * 1024,
};

static int sender, receiver, control;
static struct send_ring ring;

/* The nth frame of a test: as long as none of its neighbours, with a byte that none of them has. */
static size_t make_frame(unsigned int n, uint8_t *ret_frame)
{
	const size_t len = ETHERNET + 1 + n * 37 % (FRAME_MAX - ETHERNET);

	memset(ret_frame, (int)(n % 251), len);
	memset(ret_frame, 0, ETHERNET);
	ret_frame[12] = TYPE >> 8;
	ret_frame[13] = TYPE & 0xff;
	return len;
}

static void put(unsigned int n)
{
	uint8_t frame[FRAME_MAX];
	const size_t len = make_frame(n, frame);

	memcpy(send_ring_at(&ring, 0), frame, len);
	assert_true(send_ring_put(&ring, len));
}

static void expect(unsigned int n)
{
	uint8_t wanted[FRAME_MAX], got[FRAME_MAX + 1];
	const size_t len = make_frame(n, wanted);

	assert_int_equal(recv(receiver, got, sizeof(got), MSG_DONTWAIT), len);
	assert_memory_equal(got, wanted, len);
}

static void expect_nothing(void)
{
	uint8_t got[FRAME_MAX];

	assert_int_equal(recv(receiver, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void set_up(bool up)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = up ? IFF_UP : 0};

	assert_int_equal(ioctl(control, SIOCSIFFLAGS, &ifr), 0);
}

static int begin(void **state)
{
	(void)state;
	set_up(true);
	return send_ring_init(&ring, sender);
}

static int end(void **state)
{
	(void)state;
	send_ring_finish(&ring);
	return 0;
}

/* All are read when all are sent: what was in a slot before the last frame is whole as well. */
static void test_frames(void **state)
{
	static const unsigned int batches[] = {1, SEND_RING_SLOTS - 1, SEND_RING_SLOTS, 0, 3};
	unsigned int sent = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		for (unsigned int k = 0; k < batches[i]; k++)
			put(sent++);
		assert_int_equal(send_ring_send(&ring), 0);
	}
	for (unsigned int i = 0; i < sent; i++)
		expect(i);
	expect_nothing();
}

static void test_ahead(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t len;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		len = make_frame(i, frame);
		memcpy(send_ring_at(&ring, i), frame, len);
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_true(send_ring_put(&ring, make_frame(i, frame)));
	assert_int_equal(send_ring_send(&ring), 0);
	for (unsigned int i = 0; i < 3; i++)
		expect(i);
}

/* What could not leave does not leave later. */
static void test_down(void **state)
{
	(void)state;
	put(0);
	assert_int_equal(send_ring_send(&ring), 0);
	set_up(false);
	for (unsigned int i = 1; i < 6; i++)
		put(i);
	assert_int_equal(send_ring_send(&ring), 5);
	set_up(true);
	put(6);
	put(7);
	assert_int_equal(send_ring_send(&ring), 0);
	expect(0);
	expect(6);
	expect(7);
	expect_nothing();
}

/* One that the kernel refuses does not stop those behind it. */
static void test_refused(void **state)
{
	(void)state;
	put(0);
	assert_true(send_ring_put(&ring, ETHERNET - 1));
	put(1);
	assert_int_equal(send_ring_send(&ring), 0);
	expect(0);
	expect(1);
	expect_nothing();
}

/* A process ends with frames in the ring; the next one begins anew. */
static void test_again(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		put(i);
	assert_int_equal(send_ring_send(&ring), 0);
	for (unsigned int i = 0; i < 5; i++)
		expect(i);
	put(5);
	send_ring_finish(&ring);
	assert_int_equal(send_ring_init(&ring, sender), 0);
	put(6);
	assert_int_equal(send_ring_send(&ring), 0);
	expect(6);
	expect_nothing();
}

/* While another process has the ring, nobody else does. */
static void test_in_use(void **state)
{
	struct send_ring another = {0};

	(void)state;
	assert_int_equal(send_ring_init(&another, sender), -EBUSY);
	assert_null(another.map);
	put(0);
	assert_int_equal(send_ring_send(&ring), 0);
	expect(0);
}

/* false: not allowed to. */
static bool open_sockets(void)
{
	const int room = RECEIVE_BUFFER;
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_ifindex = 1};

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	control = socket(AF_INET, SOCK_DGRAM, 0);
	sender = socket(AF_PACKET, SOCK_RAW, 0);
	receiver = socket(AF_PACKET, SOCK_RAW, htons(TYPE));
	return control >= 0 && sender >= 0 && receiver >= 0 &&
	       bind(sender, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	       setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames, begin, end),
		cmocka_unit_test_setup_teardown(test_ahead, begin, end),
		cmocka_unit_test_setup_teardown(test_down, begin, end),
		cmocka_unit_test_setup_teardown(test_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_again, begin, end),
		cmocka_unit_test_setup_teardown(test_in_use, begin, end),
	};

	if (!open_sockets())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
