/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transmit ring of a packet socket (packet(7), PACKET_TX_RING): frames are written where the kernel takes them from, and
 * as many as there are leave with one system call.
 *
 * The kernel copies each frame as it takes it.  By itself it would only point to it, and give the slot back when the next
 * network stack has the frame, not when that is done with it: on a veth the next answer would stand where a guest still reads
 * its own.  How much is copied is what a virtio_net_hdr calls the header, so each frame has one that says: all of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEND_RING_SLOTS = 256 };

/* All zero: none. */
struct send_ring {
	int fd;
	uint8_t *map;
	unsigned int first, filled; /* slots */
};

/* fd: a packet socket, which stays the caller's.  A ring that an earlier process left there goes, with the frames in it. -errno;
 * -EBUSY: a driver has had some of those for a second and more, or the process is still there. */
int send_ring_init(struct send_ring *ring, int fd);
void send_ring_finish(struct send_ring *ring);

/* Where to write the frame after the next n, FRAME_MAX bytes; filled + n is below SEND_RING_SLOTS. */
uint8_t *send_ring_at(const struct send_ring *ring, unsigned int n);
/* The next frame is written.  false: the driver still has the frame that was in its slot; neither this one nor those behind it
 * can be put in. */
bool send_ring_put(struct send_ring *ring, size_t len);
/* Sends what was put in; the number of frames that could not leave, which are lost. */
unsigned int send_ring_send(struct send_ring *ring);
