/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between the engine and the web workers. */
#pragma once

#include "common/proto.h"

/* What the engine knows about a guest, or what became of its request. */
enum guest_state {
	GUEST_STRANGER = 1, /* on the network, no session */
	GUEST_ONLINE,	    /* has a session */
	GUEST_NO_DEVICE,    /* no usable neighbour entry for the address (yet): try again */
	GUEST_UNVERIFIED,   /* the connection was not opened by the MAC of the neighbour entry: try
			       again */
	GUEST_REFUSED,	    /* policy says no */
	GUEST_FAILED,	    /* the gateway could not do it: try again later */
};

struct web_request {
	struct msg_head head;
	uint32_t zone; /* index, bundle order */
	uint32_t pad;
	struct addr guest; /* the guest's end of the TCP connection, with its port */
};

struct web_reply {
	struct msg_head head;
	uint32_t state;	     /* enum guest_state */
	struct mac mac;	     /* STRANGER, ONLINE, UNVERIFIED */
	uint16_t can_extend; /* ONLINE only, as all that follows: now or later the guest may */
	uint64_t seconds_used;
	uint64_t seconds_extended; /* left after MSG_WEB_EXTEND; 0: it would change nothing now */
	uint64_t seconds_left;	   /* UINT64_MAX: no end, and nothing of the others */
	uint64_t bytes_up;	   /* from the guest */
	uint64_t bytes_down;	   /* towards the guest */
	uint64_t bytes_left; /* until the first of its quotas is used up; UINT64_MAX: it has none */
};

struct web_bundle {
	struct msg_head head;
};

/* What a worker counts: answers to diverted requests by status, and packets of divert "queue". */
enum web_count {
	WEB_COUNT_2XX,
	WEB_COUNT_3XX,
	WEB_COUNT_4XX,
	WEB_COUNT_511,
	WEB_COUNT_5XX,		   /* but 511 */
	WEB_COUNT_PACKET_OPENED,   /* a SYN */
	WEB_COUNT_PACKET_ANSWERED, /* a request */
	WEB_COUNT_PACKET_CLOSED,   /* no request: FIN or reset */
	WEB_COUNT_PACKET_QUIET,	   /* acknowledged, or nothing to say */
	WEB_COUNT_PACKET_STRANGE,  /* of no connection that we answered */
	WEB_COUNT_PACKET_REFUSED,  /* malformed */
	/* of no zone in particular: */
	WEB_COUNT_MISSED, /* packets that the kernel dropped because the worker was too slow */
	WEB_COUNT_UNSENT, /* frames that could not leave */
	WEB_COUNTS
};

/* Since the message before. */
struct web_counts {
	struct msg_head head;
	uint32_t zone;
	uint32_t news; /* the worker's */
	uint64_t counts[WEB_COUNTS];
};
