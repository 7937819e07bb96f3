/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that the children of portald find open.  Packet sockets, and the socket pairs that go with
 * them, only if a zone has divert "queue"; there is one packet socket for each such zone, in the order of
 * zones.
 */
#pragma once

enum {
	FD_ENGINE = 3,	/* the socket pair to the engine */
	FD_ANSWERS = 4, /* gate: the socket pair to the first worker for DNS answers */
	FD_CHANNELS =
		5, /* gate: for each worker a socket pair to it, then each worker's packet sockets */
	FD_BUNDLE = 4, /* web: its first bundle */
	FD_LISTEN =
		5, /* web: for zone i its LISTENERS, then the socket pair to the gate, then its packet sockets; then, of the
			    first worker, the socket pair for DNS answers */
};

/* The listening sockets of a zone. */
enum listener_kind { LISTENER_DIVERT, LISTENER_PORTAL, LISTENER_TLS, LISTENERS };
