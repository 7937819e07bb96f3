/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One message as a compromised process could send it.  The first byte says how many descriptors go
 * along (modulo 4) and whether the rest is padded to the size of its type (bit 2), so that the
 * fuzzer gets past that check.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/msg.h"

enum { PACKET_MAX = 2 * sizeof(union msg) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_packet(int sock, void *packet, size_t len, size_t descriptors)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = packet, .iov_len = len};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	const int fd = STDERR_FILENO;

	if (descriptors > 0) {
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
		for (size_t i = 0; i < descriptors; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &hdr, 0) < 0)
		abort();
}

static void receive(int sock, size_t len, size_t descriptors)
{
	static union msg msg;
	int fd = -2;

	if (msg_recv(sock, &msg, &fd) < 0) {
		if (fd != -2)
			abort();
		return;
	}
	const bool carries = msg.head.type == MSG_WEB_BUNDLE || msg.head.type == MSG_QUEUE_OPEN;

	if (len != msg_size(msg.head.type) || descriptors != carries)
		abort();
	if (fd >= 0)
		close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[PACKET_MAX];
	uint32_t type = 0;
	int fds[2];

	if (size < 2 || size - 1 > PACKET_MAX || msg_socketpair(fds) < 0)
		return 0;

	const size_t descriptors = data[0] % 4;
	size_t len = size - 1;

	memset(packet, 0, sizeof(packet));
	memcpy(packet, data + 1, len);
	memcpy(&type, packet, sizeof(type));
	if (data[0] & 4 && msg_size(type))
		len = msg_size(type);
	const int next = fcntl(fds[1], F_DUPFD, 0); /* the lowest free one */

	close(next);
	send_packet(fds[0], packet, len, descriptors);
	receive(fds[1], len, descriptors);

	const int after = fcntl(fds[1], F_DUPFD, 0);

	if (after != next) /* one was left open */
		abort();
	close(after);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
