/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/netlink.h"

enum {
	SOCKET_BUFFER =
		8 * 1024 * 1024, /* of large transactions, and of what others do meanwhile */
	ANSWER_SIZE = 64 * 1024,
};

int netlink_init(struct netlink *nl, int family, unsigned int groups)
{
	const int size = SOCKET_BUFFER;

	nl->socket = mnl_socket_open2(family, SOCK_CLOEXEC);
	if (!nl->socket)
		return -errno;
	if (mnl_socket_bind(nl->socket, groups, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		netlink_finish(nl);
		return r;
	}
	nl->portid = mnl_socket_get_portid(nl->socket);
	nl->seq = 0;

	int fd = mnl_socket_get_fd(nl->socket);

	/* privileged forms: beyond net.core.wmem_max.  Refused, small transactions still work. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return 0;
}

void netlink_finish(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
}

struct answers {
	mnl_cb_t cb;
	void *data;
	uint32_t acked;
	bool got_ack;
	int error; /* the first one */
};

/* One message of an answer: remembers errors, hands data on. */
static void take_answer(const struct nlmsghdr *nlh, struct answers *a)
{
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
			a->error = a->error ? a->error : -EBADMSG;
		else if (err->error != 0)
			a->error = a->error ? a->error : err->error;
		else if (nlh->nlmsg_seq == a->acked)
			a->got_ack = true;
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && a->cb) {
		if (a->cb(nlh, a->data) == MNL_CB_ERROR)
			a->error = a->error ? a->error : -ENOMEM;
	}
}

int netlink_talk(struct netlink *nl, const void *request, size_t len, uint32_t acked, mnl_cb_t cb,
		 void *data)
{
	CLEANUP(cleanup_free) char *buf = malloc(ANSWER_SIZE);
	struct answers a = {.cb = cb, .data = data, .acked = acked};
	int fd = mnl_socket_get_fd(nl->socket);
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (!buf)
		return -ENOMEM;
	if (sendto(fd, request, len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(fd, buf, ANSWER_SIZE, MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			a.error = a.error ? a.error : -ENOBUFS;
			continue;
		}
		if (n < 0)
			break;
		if (n > ANSWER_SIZE)
			return -EMSGSIZE;
		int left = (int)n;

		for (const struct nlmsghdr *nlh = (void *)buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			take_answer(nlh, &a);
	}
	if (a.error)
		return a.error;
	return a.got_ack ? 0 : -EPROTO;
}

/* 1: the dump is over.  0: more comes.  Negative errno: the kernel refused. */
static int take_dump(char *buf, int len, struct netlink_dump *dump, mnl_cb_t cb, void *data)
{
	for (const struct nlmsghdr *nlh = (void *)buf; mnl_nlmsg_ok(nlh, len);
	     nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != dump->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			dump->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 1;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

			return mnl_nlmsg_get_payload_len(nlh) < sizeof(*err) ? -EBADMSG
			       : err->error				     ? err->error
									     : 1;
		}
		if (cb(nlh, data) == MNL_CB_ERROR)
			dump->failed = true;
	}
	return 0;
}

int netlink_dump_begin(struct netlink *nl, const struct nlmsghdr *request,
		       struct netlink_dump *ret_dump)
{
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return -errno;
	*ret_dump = (struct netlink_dump){.seq = request->nlmsg_seq};
	return 0;
}

int netlink_dump_next(struct netlink *nl, struct netlink_dump *dump, int flags, mnl_cb_t cb,
		      void *data)
{
	CLEANUP(cleanup_free) char *buf = malloc(ANSWER_SIZE);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	do
		n = recv(mnl_socket_get_fd(nl->socket), buf, ANSWER_SIZE, flags | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n > ANSWER_SIZE)
		return -EMSGSIZE;
	int r = take_dump(buf, (int)n, dump, cb, data);

	if (r == 1 && dump->failed)
		return -ENOMEM;
	return r == 1 && dump->interrupted ? -EINTR : r;
}

int netlink_dump(struct netlink *nl, const struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	struct netlink_dump dump = {0};
	int r = netlink_dump_begin(nl, request, &dump);

	while (r == 0)
		r = netlink_dump_next(nl, &dump, 0, cb, data);
	return r == 1 ? 0 : r;
}
