/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One netlink socket: requests out, answers in.  The kernel works off a request while we send it,
 * so every answer to it is in the socket when the send returns; a dump alone is produced as it is
 * read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

struct netlink {
	struct mnl_socket *socket;
	uint32_t portid;
	uint32_t seq; /* of the last request */
};

/* family: NETLINK_NETFILTER, NETLINK_ROUTE; groups: for mnl_socket_bind().  Negative errno. */
int netlink_init(struct netlink *nl, int family, unsigned int groups);
void netlink_finish(struct netlink *nl);

/* Sends a request of one message or a batch of several and reads all answers; each data message
 * goes to cb (libmnl's contract; NULL: ignored).  acked: sequence number of the message that
 * carries NLM_F_ACK.  0 if that one was acknowledged and none failed; else the first error,
 * negative errno; -ENOMEM if cb returned MNL_CB_ERROR. */
int netlink_talk(struct netlink *nl, const void *request, size_t len, uint32_t acked, mnl_cb_t cb,
		 void *data);

/* Sends a dump request (NLM_F_DUMP in flags) and gives each message to cb until the kernel says
 * that it is done. -EINTR: the table changed meanwhile; cb saw what it could see. -ENOMEM: cb returned
 * MNL_CB_ERROR for some. */
int netlink_dump(struct netlink *nl, const struct nlmsghdr *request, mnl_cb_t cb, void *data);

/* The same, a datagram at a time: the socket can be read when there is another, and is asked nothing else
 * meanwhile. */
struct netlink_dump {
	uint32_t seq;
	bool interrupted, failed; /* failed: a callback without memory; it goes on to the end */
};
int netlink_dump_begin(struct netlink *nl, const struct nlmsghdr *request,
		       struct netlink_dump *ret_dump);
/* flags: of recv(2).  1: that was all; 0: more comes; -EAGAIN: it is not there yet; else as above. */
int netlink_dump_next(struct netlink *nl, struct netlink_dump *dump, int flags, mnl_cb_t cb,
		      void *data);
