// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receiving is a PACKET_RX_RING (no copy, no system call for each frame).  Sending is sendmmsg(),
 * not a PACKET_TX_RING: the kernel hands a ring's frame back as soon as the receiver at the other
 * end of a veth takes it over (skb_orphan() in ip_rcv()), and a request that still waits in that
 * receiver's socket would change under it.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "common/cleanup.h"
#include "tests/bench/wire.h"

enum {
	RING_FRAME = 2048,
	RING_BLOCK = 1 << 16,
	RING_BYTES = 1 << 24,
	RING_FRAMES = RING_BYTES / RING_FRAME,
	BATCH = 64,
	SEND_BUFFER = 1 << 22,
};

struct wire {
	int fd;
	uint8_t *ring;
	uint32_t next; /* frame of the ring */
	unsigned int queued;
	struct wire_counts counts;
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	uint8_t frames[BATCH][RING_FRAME];
};

static void cleanup_wire(struct wire **wire)
{
	wire_close(*wire);
}

static int set_option(int fd, int level, int name, const void *value, socklen_t len)
{
	return setsockopt(fd, level, name, value, len) < 0 ? -errno : 0;
}

static int set_options(int fd)
{
	const struct tpacket_req ring = {
		.tp_block_size = RING_BLOCK,
		.tp_block_nr = RING_BYTES / RING_BLOCK,
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = RING_FRAMES,
	};
	const int version = TPACKET_V2, on = 1, buffer = SEND_BUFFER;
	int r = set_option(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version));

	if (r == 0)
		r = set_option(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring));
	if (r == 0)
		r = set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	if (r == 0)
		r = set_option(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	if (r == 0)
		r = set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	return r;
}

static int bind_to(int fd, const char *interface)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = __builtin_bswap16(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	const struct packet_mreq all = {.mr_ifindex = at.sll_ifindex, .mr_type = PACKET_MR_PROMISC};

	if (at.sll_ifindex == 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	return set_option(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all));
}

int wire_open(const char *interface, struct wire **ret_wire)
{
	struct wire *wire CLEANUP(cleanup_wire) = calloc(1, sizeof(*wire));
	int r;

	if (!wire)
		return -ENOMEM;
	wire->ring = MAP_FAILED;
	wire->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (wire->fd < 0)
		return -errno;
	r = set_options(wire->fd);
	if (r < 0)
		return r;
	wire->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			  wire->fd, 0);
	if (wire->ring == MAP_FAILED)
		return -errno;
	for (unsigned int i = 0; i < BATCH; i++) {
		wire->iov[i].iov_base = wire->frames[i];
		wire->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &wire->iov[i], .msg_iovlen = 1};
	}
	r = bind_to(wire->fd, interface);
	if (r == 0)
		*ret_wire = steal_ptr(&wire);
	return r;
}

void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	if (wire->ring != MAP_FAILED)
		munmap(wire->ring, RING_BYTES);
	if (wire->fd >= 0)
		close(wire->fd);
	free(wire);
}

static struct tpacket2_hdr *current(const struct wire *wire)
{
	return (struct tpacket2_hdr *)(void *)(wire->ring + (size_t)wire->next * RING_FRAME);
}

const uint8_t *wire_receive(struct wire *wire, size_t *ret_len, bool *ret_verify)
{
	struct tpacket2_hdr *head = current(wire);
	uint32_t status = __atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE);

	if (!(status & TP_STATUS_USER))
		return NULL;
	wire->counts.received++;
	if (head->tp_len != head->tp_snaplen)
		wire->counts.truncated++;
	*ret_len = head->tp_snaplen;
	*ret_verify = !(status & (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID));
	return (const uint8_t *)head + head->tp_mac;
}

void wire_release(struct wire *wire)
{
	__atomic_store_n(&current(wire)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	wire->next = (wire->next + 1) % RING_FRAMES;
}

uint8_t *wire_room(struct wire *wire)
{
	if (wire->queued == BATCH)
		wire_flush(wire);
	return wire->frames[wire->queued];
}

void wire_send(struct wire *wire, size_t len)
{
	wire->iov[wire->queued++].iov_len = len;
}

int wire_flush(struct wire *wire)
{
	unsigned int done = 0;
	int r = 0;

	while (done < wire->queued) {
		int n = sendmmsg(wire->fd, wire->messages + done, wire->queued - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = errno == ENOBUFS ? 0 : -errno;
			wire->counts.unsent++;
			done++;
		} else {
			wire->counts.sent += (unsigned int)n;
			done += (unsigned int)n;
		}
	}
	wire->queued = 0;
	return r;
}

void wire_wait(struct wire *wire, uint64_t nanoseconds)
{
	struct pollfd fd = {.fd = wire->fd, .events = POLLIN};
	const struct timespec time = {
		.tv_sec = (time_t)(nanoseconds / 1000000000),
		.tv_nsec = (long)(nanoseconds % 1000000000),
	};

	ppoll(&fd, 1, &time, NULL);
}

void wire_counts(struct wire *wire, struct wire_counts *ret_counts)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);

	if (getsockopt(wire->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		wire->counts.missed += stats.tp_drops;
	*ret_counts = wire->counts;
}
