/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One interface, frame by frame: an AF_PACKET socket with a receive ring and batched sending. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/packet.h"

struct wire;

/* -errno; nothing that this machine sends on the interface is received. */
int wire_open(const char *interface, struct wire **ret_wire);
void wire_close(struct wire *wire);

/* Takes the next frame, valid until wire_release(); NULL if there is none.  ret_verify: its
 * checksums are complete and nobody has checked them. */
const uint8_t *wire_receive(struct wire *wire, size_t *ret_len, bool *ret_verify);
void wire_release(struct wire *wire);

/* Room for one frame, to be filled and handed to wire_send() at once. */
uint8_t *wire_room(struct wire *wire);
void wire_send(struct wire *wire, size_t len);
/* Frames leave at the latest here.  -errno; frames that the interface has no room for are counted
 * and lost, as on a real one. */
int wire_flush(struct wire *wire);

/* Sleeps until a frame is there or the time is over. */
void wire_wait(struct wire *wire, uint64_t nanoseconds);

struct wire_counts {
	uint64_t sent, unsent, received, truncated;
	uint64_t missed; /* dropped by the kernel because the ring was full */
};
void wire_counts(struct wire *wire, struct wire_counts *ret_counts);
