/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "portal/limit.h"
#include "portal/peer.h"

static time_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

void peers_init(struct peers *peers)
{
	TAILQ_INIT(&peers->list);
	peers->count = 0;
}

bool peers_admit(const struct peers *peers, const struct sockaddr *guest)
{
	const struct peer *peer;
	struct addr addr;
	size_t count = 0;

	if (addr_from_sockaddr(guest, &addr) < 0)
		return false;
	TAILQ_FOREACH (peer, &peers->list, entry)
		count += addr_equal(&peer->guest, &addr);
	if (count >= PEERS_GUEST_MAX) {
		limit_reached(LIMIT_GUEST_CONNECTIONS);
		return false;
	}
	if (peers->count >= PEERS_MAX) {
		limit_reached(LIMIT_CONNECTIONS);
		return false;
	}
	return true;
}

struct peer *peers_open(struct peers *peers, int fd, const struct sockaddr *guest)
{
	struct sockaddr_storage local;
	socklen_t len = sizeof(local);
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		limit_reached(LIMIT_MEMORY);
		return NULL;
	}
	if (addr_from_sockaddr(guest, &peer->guest) < 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &len) < 0 ||
	    addr_from_sockaddr((struct sockaddr *)&local, &peer->local) < 0) {
		free(peer);
		return NULL;
	}
	peer->fd = fd;
	peer->since = monotonic();
	TAILQ_INSERT_TAIL(&peers->list, peer, entry);
	peers->count++;
	return peer;
}

void peers_close(struct peers *peers, struct peer *peer)
{
	TAILQ_REMOVE(&peers->list, peer, entry);
	peers->count--;
	free(peer);
}

bool peer_is_old(const struct peer *peer)
{
	return monotonic() - peer->since > PEER_REUSE_MAX;
}

void peers_cut(struct peers *peers)
{
	const time_t limit = monotonic() - PEER_LIFE_MAX;
	struct peer *peer;

	TAILQ_FOREACH (peer, &peers->list, entry) {
		if (peer->since > limit)
			return;
		if (peer->cut)
			continue;
		peer->cut = true;
		shutdown(peer->fd, SHUT_RDWR);
		limit_reached(LIMIT_LIFE);
	}
}
