/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guests' connections to one listening socket: who, since when, and how many are too many. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "common/addr.h"

enum {
	PEERS_MAX = 1024,     /* connections of one listener */
	PEERS_GUEST_MAX = 32, /* of one address, on one listener */
	PEER_LIFE_MAX = 30,   /* seconds of a connection, whatever it does */
	PEER_REUSE_MAX =
		20, /* seconds after which an answer should be the connection's last: a login is
		     * granted to whoever opened it, and the kernel remembers that for a minute */
};

struct peer {
	TAILQ_ENTRY(peer) entry;
	struct addr guest, local;
	int fd;	      /* the connection's owner's */
	time_t since; /* monotonic clock */
	bool cut;
	size_t received; /* bytes over TLS; see portal/tls.h */
	bool greeted;	 /* its handshake is over */
};

TAILQ_HEAD(peer_list, peer);

struct peers {
	struct peer_list list; /* oldest first */
	size_t count;
};

void peers_init(struct peers *peers);

/* May another connection come from this address?  A refusal is counted. */
bool peers_admit(const struct peers *peers, const struct sockaddr *guest);
/* NULL: no memory, or the connection is gone already */
struct peer *peers_open(struct peers *peers, int fd, const struct sockaddr *guest);
void peers_close(struct peers *peers, struct peer *peer);

bool peer_is_old(const struct peer *peer);
/* Shuts those that have lived for too long; their owner notices and closes them.  To be called now
 * and then. */
void peers_cut(struct peers *peers);
