/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP and HTTP for strangers without a socket: one packet in, no, one or a few frames out, and
 * nothing remembered.  portal/responder.c says how. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portal/cookie.h"
#include "portal/frame.h"
#include "portal/packet.h"
#include "portal/responder_answer.h"

enum {
	RESPONDER_FRAMES_MAX = 16,		     /* for one packet */
	RESPONDER_ANSWER_MAX = COOKIE_ACKED_MAX - 1, /* bytes; the FIN counts as one more */
	RESPONDER_MSS_MIN = 64, /* a guest with a smaller one is not answered */
};

/* What became of a packet: each is counted. */
enum responder_outcome {
	RESPONDER_SYN,	    /* answered with a SYN-ACK */
	RESPONDER_ANSWERED, /* a request with an answer, or with the rest of it */
	RESPONDER_ACKED,    /* what came after the answer: acknowledged */
	RESPONDER_CLOSED,   /* no request: closed with a FIN */
	RESPONDER_RESET,    /* still sending long after the answer */
	RESPONDER_QUIET,    /* an acknowledgement or a reset: nothing to say */
	RESPONDER_WAITING,  /* a part of a request: the guest sends it again */
	RESPONDER_HELD,	    /* the guest's window has no room for the answer */
	RESPONDER_STRANGE,  /* the acknowledgement is not of a connection that we answered */
	RESPONDER_BAD_MSS,
	RESPONDER_BAD_SENDER, /* MAC or zone */
	RESPONDER_NO_ROOM,    /* for the frames */
	RESPONDER_REFUSED,    /* and an enum packet_refusal, which is at least 1 */
	RESPONDER_OUTCOMES = RESPONDER_REFUSED + PACKET_REFUSALS,
};
extern const char *const responder_outcome_names[RESPONDER_OUTCOMES];

struct responder_zone {
	struct mac mac; /* of the gateway's interface */
	uint16_t mtu;	/* of it, at least 576 */
	uint16_t vlan;	/* see struct frame */
};

struct responder {
	struct cookie_keys keys;
	const struct responder_zone *zones;
	size_t zone_count;
	/* Writes the answer to buf.  Its length, at most RESPONDER_ANSWER_MAX; or negative: there is
	 * none, the connection is closed. */
	int (*answer)(void *ctx, const struct responder_request *req, char *buf, size_t size);
	void *ctx;
	char text[RESPONDER_ANSWER_MAX]; /* of an answer, while its frames are written */
	uint64_t counts[RESPONDER_OUTCOMES];
};

struct responder_packet {
	const uint8_t *data; /* from the IP header on */
	size_t len;
	bool partial; /* see packet_read() */
	struct mac mac;
	size_t zone;
};

/* Where frames go, e.g. to slots of a ring: the caller sets room and at[0] to at[room - 1], each
 * with FRAME_MAX bytes.  Frames are the first `count`. */
struct responder_frames {
	size_t room, count;
	uint8_t *at[RESPONDER_FRAMES_MAX];
	size_t len[RESPONDER_FRAMES_MAX];
};

/* now: seconds of a clock that is never set back. */
enum responder_outcome responder_handle(struct responder *r, const struct responder_packet *packet,
					uint64_t now, struct responder_frames *frames);
