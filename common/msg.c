/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/cleanup.h"
#include "common/msg.h"

enum { SOCKET_BUFFER = 1024 * 1024 };

static const size_t msg_sizes[MSG_TYPES] = {
	[MSG_WEB_LOOKUP] = sizeof(struct web_request),
	[MSG_WEB_LOGIN] = sizeof(struct web_request),
	[MSG_WEB_LOGOUT] = sizeof(struct web_request),
	[MSG_WEB_REPLY] = sizeof(struct web_reply),
	[MSG_WEB_BUNDLE] = sizeof(struct web_bundle),
	[MSG_GATE_ZONE] = sizeof(struct gate_zone),
	[MSG_GATE_LOAD] = sizeof(struct gate_load),
	[MSG_GATE_CHANGE] = sizeof(struct gate_change),
	[MSG_GATE_BULK] = sizeof(struct gate_bulk),
	[MSG_GATE_READ] = sizeof(struct gate_read),
	[MSG_GATE_COUNTERS] = sizeof(struct gate_counters),
	[MSG_GATE_DUMP] = sizeof(struct msg_head),
	[MSG_GATE_SESSION] = sizeof(struct gate_session),
	[MSG_GATE_FORGET] = sizeof(struct gate_forget),
	[MSG_GATE_DONE] = sizeof(struct gate_done),
	[MSG_GATE_LINK] = sizeof(struct gate_link),
	[MSG_QUEUE_OPEN] = sizeof(struct queue_open),
	[MSG_QUEUE_ZONE] = sizeof(struct queue_zone),
	[MSG_QUEUE_DROP] = sizeof(struct queue_drop),
	[MSG_GARDEN_ANSWER] = sizeof(struct garden_answer),
	[MSG_GATE_FLUSHED] = sizeof(struct gate_flushed),
	[MSG_WEB_COUNTS] = sizeof(struct web_counts),
	[MSG_WEB_EXTEND] = sizeof(struct web_request),
	[MSG_GATE_ABILITY] = sizeof(struct gate_ability),
	[MSG_GATE_OPEN] = sizeof(struct gate_open),
	[MSG_GATE_RESTORE] = sizeof(struct gate_restore),
};

_Static_assert(sizeof(struct web_request) == 36, "the same on every architecture");
_Static_assert(sizeof(struct web_reply) == 72, "no hidden padding");
_Static_assert(sizeof(struct change) == 208, "no hidden padding");
_Static_assert(sizeof(struct change_element) == 16, "no hidden padding");
_Static_assert(sizeof(struct lost_member) == 232, "no hidden padding");
_Static_assert(sizeof(struct garden_name) == 258, "the same on every architecture");
_Static_assert(sizeof(struct garden_answer) == 32 + GARDEN_ANSWER_MAX * 24, "no hidden padding");

size_t msg_size(uint32_t type)
{
	return type < MSG_TYPES ? msg_sizes[type] : 0;
}

int msg_socketpair(int ret_fds[static 2])
{
	const int size = SOCKET_BUFFER;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		/* a larger buffer only saves waiting, so a refusal is no error */
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
			setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		ret_fds[i] = fds[i];
	}
	return 0;
}

static int send_plain(int sock, const void *data, size_t len)
{
	for (;;) {
		if (send(sock, data, len, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int msg_send(int sock, const struct msg_head *head, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)head, .iov_len = msg_size(head->type)};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	if (iov.iov_len == 0)
		return -EINVAL;
	if (fd < 0) /* send(), not sendmsg(): a web worker may do no other */
		return send_plain(sock, iov.iov_base, iov.iov_len);
	hdr.msg_control = control.bytes;
	hdr.msg_controllen = sizeof(control.bytes);
	struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	for (;;) {
		if (sendmsg(sock, &hdr, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* The descriptor that came along, or -1.  The room for one has, for alignment, room for two: a
 * second one is closed. */
static int received_fd(struct msghdr *hdr, bool *ret_several)
{
	int fd = -1, next;

	*ret_several = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(next) <= c->cmsg_len;
		     at += sizeof(next)) {
			memcpy(&next, (char *)c + at, sizeof(next));
			if (fd >= 0) {
				close(next);
				*ret_several = true;
			} else {
				fd = next;
			}
		}
	}
	return fd;
}

static bool carries_fd(uint32_t type)
{
	return type == MSG_WEB_BUNDLE || type == MSG_QUEUE_OPEN;
}

int msg_recv(int sock, union msg *ret_msg, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = ret_msg, .iov_len = sizeof(*ret_msg)};
	struct msghdr hdr = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	ssize_t n;

	do
		n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;

	bool several;
	CLEANUP(cleanup_close) int fd = received_fd(&hdr, &several);

	if (several || hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	if ((size_t)n < sizeof(struct msg_head) || (size_t)n != msg_size(ret_msg->head.type))
		return -EBADMSG;
	if ((fd >= 0) != carries_fd(ret_msg->head.type) || (fd >= 0 && !ret_fd))
		return -EBADMSG;
	if (ret_fd)
		*ret_fd = steal_fd(&fd);
	return 0;
}
