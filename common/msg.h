/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends and receives the structs of common/proto_*.h. */
#pragma once

#include <stddef.h>

#include "common/proto_answer.h"
#include "common/proto_gate.h"
#include "common/proto_queue.h"
#include "common/proto_ruleset.h"
#include "common/proto_web.h"

/* Room for any message. */
union msg {
	struct msg_head head;
	struct web_request web_request;
	struct web_reply web_reply;
	struct web_bundle web_bundle;
	struct web_counts web_counts;
	struct gate_zone gate_zone;
	struct gate_load gate_load;
	struct gate_change gate_change;
	struct gate_bulk gate_bulk;
	struct gate_read gate_read;
	struct gate_counters gate_counters;
	struct gate_session gate_session;
	struct gate_forget gate_forget;
	struct gate_done gate_done;
	struct gate_link gate_link;
	struct queue_open queue_open;
	struct queue_zone queue_zone;
	struct queue_drop queue_drop;
	struct garden_answer garden_answer;
	struct gate_flushed gate_flushed;
	struct gate_ability gate_ability;
	struct gate_open gate_open;
	struct gate_restore gate_restore;
};

/* The one size of a message type; 0 for an unknown type. */
size_t msg_size(uint32_t type);

/* A connected SOCK_SEQPACKET pair, close-on-exec, with room for the largest message.  Negative
 * errno. */
int msg_socketpair(int ret_fds[static 2]);

/* head->type decides the size.  fd: a descriptor that goes along, or -1.  0, -EAGAIN (nonblocking
 * and full), or another negative errno. */
int msg_send(int sock, const struct msg_head *head, int fd);

/* 0; -EAGAIN: nothing there; -EPIPE: the other side is gone; -EBADMSG: unknown type, wrong size, an
 * unexpected or missing descriptor.  Only MSG_WEB_BUNDLE and MSG_QUEUE_OPEN carry a descriptor: *ret_fd is it or -1
 * (ret_fd may be NULL: then none may come). */
int msg_recv(int sock, union msg *ret_msg, int *ret_fd);
