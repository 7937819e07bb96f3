/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /metrics over HTTP, for Prometheus.  Off unless the configuration has an address for it. */
#pragma once

#include "common/addr.h"

enum {
	METRICS_CONNECTIONS_MAX = 8,
	METRICS_MEMORY_MAX = 8192, /* bytes of a connection, its request's header among them */
	METRICS_IDLE = 10,	   /* seconds without a byte until a connection is cut */
	METRICS_LIFETIME = 15,	   /* seconds after which it is cut whatever it does */
	METRICS_BACKLOG = 8,
};

struct engine;
struct metrics_server;

/* As root, or for a port from 1024 on.  -errno. */
int metrics_listen(const struct addr *addr, int *ret_fd);

/* Takes fd over; -1: there is none, and *ret_server is NULL. */
int metrics_server_create(struct engine *e, int fd, struct metrics_server **ret_server);
void metrics_server_destroy(struct metrics_server *s);
