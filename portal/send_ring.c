/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/if_packet.h>
#include <linux/virtio_net.h>

#include "portal/frame.h"
#include "portal/send_ring.h"

enum {
	SLOT = 2048,
	BLOCK = 32 * 1024, /* of memory that is in one piece */
	HEADER = TPACKET2_HDRLEN - sizeof(struct sockaddr_ll),
	DATA = HEADER + sizeof(struct virtio_net_hdr),
	BUSY_TRIES = 100,
	BUSY_PAUSE = 10 * 1000 * 1000, /* nanoseconds */
};

_Static_assert(DATA + FRAME_MAX <= SLOT, "a frame fits");
_Static_assert(BLOCK % SLOT == 0 && SEND_RING_SLOTS % (BLOCK / SLOT) == 0, "whole blocks");

static uint8_t *slot_at(const struct send_ring *r, unsigned int n)
{
	return r->map + (size_t)((r->first + n) % SEND_RING_SLOTS) * SLOT;
}

static uint32_t status_of(const struct send_ring *r, unsigned int n)
{
	const struct tpacket2_hdr *header = (const void *)slot_at(r, n);

	return __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
}

static void set_status(const struct send_ring *r, unsigned int n, uint32_t status)
{
	struct tpacket2_hdr *header = (void *)slot_at(r, n);

	__atomic_store_n(&header->tp_status, status, __ATOMIC_RELEASE);
}

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int remove_ring(int fd)
{
	static const struct timespec pause = {.tv_nsec = BUSY_PAUSE};
	const struct tpacket_req none = {0};

	for (int i = 0; setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &none, sizeof(none)) < 0; i++) {
		if (errno != EBUSY || i == BUSY_TRIES)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int make_ring(int fd)
{
	const struct tpacket_req req = {
		.tp_block_size = BLOCK,
		.tp_block_nr = SEND_RING_SLOTS * SLOT / BLOCK,
		.tp_frame_size = SLOT,
		.tp_frame_nr = SEND_RING_SLOTS,
	};
	int r = set_option(fd, PACKET_VERSION, TPACKET_V2);

	if (r == 0)
		r = set_option(fd, PACKET_VNET_HDR, 1);
	if (r == 0) /* one that the kernel does not like is skipped and does not stop the others */
		r = set_option(fd, PACKET_LOSS, 1);
	if (r == 0 && setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)) < 0)
		r = -errno;
	return r;
}

int send_ring_init(struct send_ring *ring, int fd)
{
	int r = remove_ring(fd);

	if (r == 0)
		r = make_ring(fd);
	if (r < 0)
		return r;
	void *map = mmap(NULL, (size_t)SEND_RING_SLOTS * SLOT, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	*ring = (struct send_ring){.fd = fd, .map = map};
	return 0;
}

void send_ring_finish(struct send_ring *ring)
{
	if (ring->map)
		munmap(ring->map, (size_t)SEND_RING_SLOTS * SLOT);
	ring->map = NULL;
}

uint8_t *send_ring_at(const struct send_ring *ring, unsigned int n)
{
	assert(ring->filled + n < SEND_RING_SLOTS);
	return slot_at(ring, ring->filled + n) + DATA;
}

bool send_ring_put(struct send_ring *ring, size_t len)
{
	struct tpacket2_hdr *header = (void *)slot_at(ring, ring->filled);
	struct virtio_net_hdr *copied = (void *)(slot_at(ring, ring->filled) + HEADER);

	assert(ring->filled < SEND_RING_SLOTS && len <= FRAME_MAX);
	if (status_of(ring, ring->filled) & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING))
		return false;
	*copied = (struct virtio_net_hdr){.hdr_len = (uint16_t)len};
	header->tp_len = (uint32_t)(sizeof(*copied) + len);
	set_status(ring, ring->filled++, TP_STATUS_SEND_REQUEST);
	return true;
}

/* The kernel takes frames in their order up to one that it cannot send, and begins there the next time: so that is where the
 * next ones go, and nothing is sent when its time is over. */
unsigned int send_ring_send(struct send_ring *ring)
{
	unsigned int unsent = 0;

	if (ring->filled == 0)
		return 0;
	send(ring->fd, NULL, 0, MSG_DONTWAIT);
	while (ring->filled > 0 && status_of(ring, ring->filled - 1) == TP_STATUS_SEND_REQUEST) {
		set_status(ring, --ring->filled, TP_STATUS_AVAILABLE);
		unsent++;
	}
	ring->first = (ring->first + ring->filled) % SEND_RING_SLOTS;
	ring->filled = 0;
	return unsent;
}
