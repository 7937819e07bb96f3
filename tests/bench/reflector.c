// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reflector: the least that can answer loadgen, to show how fast loadgen itself is.  It keeps no
 * state and checks nothing: SYN -> SYN-ACK, data -> one segment with a 511 and FIN, FIN -> ACK.
 * Not a portal: whoever sends to it gets an answer.  Runs only in a network namespace
 * made for it, until SIGTERM.
 *
 * usage: reflector INTERFACE
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/namespace.h"
#include "tests/bench/wire.h"

enum { SEQUENCE = 1, RECEIVE_MAX = 64 };

static const char answer[] = "HTTP/1.1 511 Network Authentication Required\r\n"
			     "Content-Type: text/plain\r\nContent-Length: 6\r\n"
			     "Connection: close\r\n\r\nlog in";

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void reply(struct wire *wire, const struct segment *s)
{
	uint32_t fin = s->flags & TCP_FIN ? 1 : 0;
	struct segment r = {
		.from_mac = s->to_mac,
		.to_mac = s->from_mac,
		.from = s->to,
		.to = s->from,
		.seq = s->ack,
		.ack = s->seq + (uint32_t)s->len + fin,
		.flags = TCP_ACK,
		.window = 65535,
	};

	if (s->flags & TCP_RST || s->to.port != 80)
		return;
	if (s->flags & TCP_SYN) {
		r.flags = TCP_SYN | TCP_ACK;
		r.seq = SEQUENCE;
		r.ack = s->seq + 1;
		r.mss = SEGMENT_MSS;
	} else if (s->len > 0) {
		r.flags = TCP_FIN | TCP_PSH | TCP_ACK;
		r.data = (const uint8_t *)answer;
		r.len = sizeof(answer) - 1;
	} else if (!fin) {
		return;
	}
	wire_send(wire, segment_write(&r, wire_room(wire)));
}

static void serve(struct wire *wire)
{
	const uint8_t *frame;
	struct segment segment;
	bool verify;
	size_t len;

	while (!stopped) {
		int n = 0;

		while (n < RECEIVE_MAX && (frame = wire_receive(wire, &len, &verify))) {
			if (segment_read(frame, len, false, &segment) == 0)
				reply(wire, &segment);
			wire_release(wire);
			n++;
		}
		wire_flush(wire);
		if (n == 0)
			wire_wait(wire, 100000000);
	}
}

int main(int argc, char **argv)
{
	struct wire *wire;
	int r;

	if (argc != 2) {
		fputs("usage: reflector INTERFACE\n", stderr);
		return 2;
	}
	if (!namespace_is_made()) {
		fputs("reflector: runs only in a network namespace made for it\n", stderr);
		return 3;
	}
	r = wire_open(argv[1], &wire);
	if (r < 0) {
		fprintf(stderr, "reflector: %s: %s\n", argv[1], strerror(-r));
		return 3;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	serve(wire);
	wire_close(wire);
	return 0;
}
