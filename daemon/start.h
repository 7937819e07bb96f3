/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What portald does as root: folders, sockets, children.  Messages go to the log; negative errno on
 * failure. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/sandbox.h"
#include "daemon/engine_run.h"

/* The three uids; their names are config->user, and with "-gate" and "-web" behind it. */
struct accounts {
	struct account engine, gate, web;
	char gate_name[64], web_name[64];
};

int start_find_accounts(const struct config *config, struct accounts *ret_accounts);

/* Is there a portald that answers on the control socket of this run-dir? */
bool start_is_running(const struct config *config);

/* The listener of `metrics`, if there is to be one.  any_port: at another port that is free, which tells
 * of the address alone. */
int start_open_metrics(const struct config *config, bool any_port, int *ret_fd);

/* run-dir and state-dir, the key in state-dir/secret, the control socket and the metrics listener. */
int start_files(const struct config *config, const struct accounts *accounts,
		struct engine_parts *parts);

struct queue_parts;

/* portald-gate; argument: the user's name or "--print"; queues: NULL for none. */
int start_gate(const char *argument, const struct queue_parts *queues, int *ret_fd, pid_t *ret_pid);

enum { START_WHY_MAX = 512 };

/* portald-web reads a bundle as a worker does, and ends; -EINVAL: it refuses it, and ret_why tells why. */
int start_page_check(int bundle, char ret_why[static START_WHY_MAX]);

/* The listening sockets, and one portald-web for each worker. */
int start_workers(const struct config *config, const struct accounts *accounts,
		  const struct queue_parts *queues, struct engine_parts *parts);
