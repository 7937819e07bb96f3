/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/if_packet.h>

#include "common/proto_queue.h"
#include "portal/frame.h"
#include "portal/ring.h"

enum { DATA_OFFSET = TPACKET2_HDRLEN - sizeof(struct sockaddr_ll) };

_Static_assert(DATA_OFFSET + FRAME_MAX <= RING_FRAME_SIZE, "a slot holds the largest frame");
_Static_assert((RING_FRAMES & (RING_FRAMES - 1)) == 0, "slot numbers wrap with unsigned int");

static struct tpacket2_hdr *header(const struct ring *r, unsigned int slot)
{
	return (struct tpacket2_hdr *)(void *)(r->map +
					       (size_t)(slot % RING_FRAMES) * RING_FRAME_SIZE);
}

int ring_init(struct ring *r, int fd)
{
	void *map = mmap(NULL, (size_t)RING_FRAME_SIZE * RING_FRAMES, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	*r = (struct ring){.fd = fd, .map = map};
	return 0;
}

void ring_finish(struct ring *r)
{
	if (r->map)
		munmap(r->map, (size_t)RING_FRAME_SIZE * RING_FRAMES);
	r->map = NULL;
}

/* Takes back the slots that the kernel is done with. */
static void reclaim(struct ring *r)
{
	while (r->first != r->next &&
	       !(__atomic_load_n(&header(r, r->first)->tp_status, __ATOMIC_ACQUIRE) &
		 (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING)))
		r->first++;
}

size_t ring_slots(struct ring *r, uint8_t **ret_slots, size_t max)
{
	size_t count = 0;

	reclaim(r);
	while (count < max && r->next + count - r->first < RING_FRAMES) {
		ret_slots[count] =
			(uint8_t *)header(r, r->next + (unsigned int)count) + DATA_OFFSET;
		count++;
	}
	return count;
}

void ring_put(struct ring *r, size_t len)
{
	struct tpacket2_hdr *h = header(r, r->next++);

	h->tp_len = (uint32_t)len;
	__atomic_store_n(&h->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
}

/* The kernel stays at the first frame that it could not send, so that is where the next one goes. */
static void give_up(struct ring *r)
{
	reclaim(r);
	for (unsigned int slot = r->first; slot != r->next; slot++) {
		__atomic_store_n(&header(r, slot)->tp_status, TP_STATUS_AVAILABLE,
				 __ATOMIC_RELEASE);
		r->failed++;
	}
	r->next = r->first;
}

void ring_flush(struct ring *r)
{
	if (r->first == r->next)
		return;
	if (sendto(r->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno == EAGAIN ||
	    errno == ENOBUFS)
		return;
	give_up(r);
}
