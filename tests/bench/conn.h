/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TCP connection of a guest, as plain as a client's can be: SYN, request, read until FIN, FIN.
 * No SACK, no timestamps, no window scaling; data out of order is dropped and asked for again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/packet.h"
#include "tests/bench/response.h"
#include "tests/bench/wire.h"

enum conn_state { CONN_FREE, CONN_SYN_SENT, CONN_OPEN, CONN_CLOSING };

/* What happened to it.  After all but NOTHING and FINISHED it is over. */
enum conn_event {
	CONN_NOTHING,
	CONN_FINISHED,	 /* the server's FIN: the response is what it is; our FIN is on its way */
	CONN_CLOSED,	 /* and acknowledged */
	CONN_RESET,	 /* before the end */
	CONN_RESET_LATE, /* after the server's FIN */
	CONN_TIMEOUT,
	CONN_UNCLOSED, /* nobody acknowledges our FIN */
};

struct conn {
	struct conn *next; /* for the table */
	uint32_t guest;
	uint8_t purpose; /* for the client */
	uint8_t state;	 /* enum conn_state */
	bool bare_ack;	 /* acknowledge the SYN-ACK before the request, as kernels do */
	struct mac mac, to_mac;
	struct addr local, remote;
	const uint8_t *request;
	uint32_t request_len;
	uint32_t nxt, una, end; /* sent up to; acknowledged up to; the request's end */
	uint32_t received;	/* the next byte that we want */
	uint8_t syns, fins;	/* sent */
	uint8_t unacked;	/* segments */
	uint32_t resent;	/* segments of ours that were sent again */
	uint32_t out_of_order;	/* segments */
	uint64_t first_started; /* for the client: a login has more than one connection */
	uint64_t started, resend_at, ack_at, give_up_at, wait; /* nanoseconds; 0: not set */
	struct response response;
};

/* Sends the SYN.  The caller has filled guest, addresses, request, bare_ack, give_up_at and
 * response. */
void conn_start(struct conn *conn, struct wire *wire, uint32_t first_sequence, uint64_t now);
enum conn_event conn_receive(struct conn *conn, struct wire *wire, const struct segment *segment,
			     uint64_t now);
/* What is due; for all connections every few milliseconds. */
enum conn_event conn_tick(struct conn *conn, struct wire *wire, uint64_t now);
