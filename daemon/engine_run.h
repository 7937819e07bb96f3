/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where portald, still root, hands over to the engine. */
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include "daemon/config.h"

struct engine_parts {
	struct config *config;
	unsigned char secret[32]; /* key of the form tokens */
	int control_fd;
	int metrics_fd;	   /* -1: none */
	FILE *queue_drops; /* NULL: none; see daemon/queue_drops.h */
	int gate_fd;
	pid_t gate_pid;
	size_t worker_count;
	int worker_fds[WORKERS_MAX];
	pid_t worker_pids[WORKERS_MAX];
};

/* Runs until a signal (0) or until something that the gateway cannot do without is gone (1).  Takes
 * the parts over. */
int engine_run(struct engine_parts *parts);
