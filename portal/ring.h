/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet socket's PACKET_TX_RING (TPACKET_V2): frames are written into slots and leave all at once.  portald made the
 * socket and the ring, the gate binds it to the zone's interface; nothing can be received on it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ring {
	int fd;
	uint8_t *map;
	unsigned int first,
		next; /* slots in [first, next) are the kernel's; both count on, modulo RING_FRAMES */
	uint64_t failed; /* frames that could not leave */
};

/* Maps the ring of a socket, which stays the caller's.  Negative errno. */
int ring_init(struct ring *r, int fd);
void ring_finish(struct ring *r);

/* Slots that are free, in order; at most max.  Each has room for FRAME_MAX bytes. */
size_t ring_slots(struct ring *r, uint8_t **ret_slots, size_t max);
/* The next free slot holds a frame of len bytes. */
void ring_put(struct ring *r, size_t len);
/* Sends what was put.  While the interface is down or gone, frames are given up and counted. */
void ring_flush(struct ring *r);
