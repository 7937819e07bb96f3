/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP/1 for guests: the only part of portald that knows libmicrohttpd.  It reads requests, carries
 * them through portal/portal.h, and sends what comes out, byte for byte.
 */
#pragma once

#include <stddef.h>

#include "common/descriptors.h"
#include "portal/engine.h"
#include "portal/site.h"

enum {
	/* bytes a connection: 20 kB of header fit, but 14 kB of cookies, which libmicrohttpd copies.
	 * More than 32 kB it would map and unmap for each connection, a third of an answer's cost. */
	HTTP_MEMORY_MAX = 32 * 1024,
	HTTP_MEMORY_KEPT = 128 * HTTP_MEMORY_MAX, /* of connections that have ended, for new ones */
	HTTP_IDLE_TIMEOUT = 10,			  /* seconds without a byte from the guest */
};

struct event_base;
struct http;

/* fds: for zone i the listening sockets fds[LISTENERS i + kind] (enum listener_kind); they become
 * http's.  A reference to site is taken.  engine must be there when requests come and stay until
 * http_destroy(). */
int http_create(struct event_base *base, struct engine *engine, struct site *site, const int *fds,
		struct http **ret_http);
/* Requests from now on are answered with this site (a reference is taken), which has as many zones
 * as the old one.  -EINVAL: its certificate cannot be used, and the old one stays. */
int http_set_site(struct http *http, struct site *site);
void http_destroy(struct http *http);
