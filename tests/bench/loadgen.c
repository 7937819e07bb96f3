// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loadgen: any number of guests of a captive portal on one interface, and what became of their
 * requests.  One thread, one socket, no state of a guest but its open connections.
 *
 * It sends frames with made-up addresses, so it runs only in a network namespace made for it, and it
 * ends by itself: exchanges, seconds and the time for each exchange are all bounded.
 *
 * Exit status: 0 all exchanges were right (or there were none), 1 some were not, 2 usage, 3 it could
 * not run.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/cleanup.h"
#include "tests/bench/client.h"
#include "tests/bench/flood.h"
#include "tests/bench/namespace.h"
#include "tests/bench/neighbours.h"
#include "tests/bench/report.h"

enum { RECEIVE_MAX = 128 };

static const uint64_t TICK = 5000000, IDLE = 1000000, SECOND = 1000000000, DRAIN = 2000000000;

static volatile sig_atomic_t interrupted;

struct load {
	struct options options;
	struct wire *wire;
	struct client client;
	struct flood flood;
	uint64_t begun_at, ticked_at, bad_frames;
};

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void receive_segment(struct load *load, const uint8_t *frame, size_t len, bool verify,
			    uint64_t now)
{
	struct segment segment;
	int64_t guest;
	int r = segment_read(frame, len, verify, &segment);

	if (r > 0)
		r = neighbours_receive(&load->options.guests, load->wire, frame, len);
	else if (r == 0) {
		guest = guest_find(&load->options.guests, &segment.to);
		if (guest >= GUESTS_MAX)
			flood_receive(&load->flood, len);
		else if (guest != GUESTS_NONE)
			client_receive(&load->client, (uint32_t)guest, &segment, now);
	}
	if (r < 0)
		load->bad_frames++;
}

/* The number of frames; at most RECEIVE_MAX, so that sending goes on. */
static int receive(struct load *load, uint64_t now)
{
	const uint8_t *frame;
	bool verify;
	size_t len;
	int n = 0;

	while (n < RECEIVE_MAX && (frame = wire_receive(load->wire, &len, &verify))) {
		receive_segment(load, frame, len, verify, now);
		wire_release(load->wire);
		n++;
	}
	return n;
}

/* Something short if more is due soon. */
static void rest(struct load *load)
{
	uint64_t rate = (uint64_t)load->options.rate + load->options.flood_rate;
	uint64_t pause = rate > SECOND / IDLE ? SECOND / rate : IDLE;

	wire_wait(load->wire, pause < 20000 ? 20000 : pause);
}

static int run(struct load *load)
{
	uint64_t end = load->options.seconds ? load->begun_at + load->options.seconds * SECOND
					     : UINT64_MAX;
	bool on = true;
	int r = 0;

	while (on && r == 0) {
		uint64_t now = now_ns();
		int heard = receive(load, now);

		if (now >= end || interrupted)
			client_stop(&load->client);
		on = client_run(&load->client, now) ||
		     (load->options.idle && now < end && !interrupted);
		flood_run(&load->flood, now);
		if (now - load->ticked_at >= TICK) {
			client_tick(&load->client, now);
			load->ticked_at = now;
		}
		r = wire_flush(load->wire);
		if (heard == 0)
			rest(load);
	}
	return r;
}

/* Connections whose FIN is not acknowledged yet. */
static void drain(struct load *load)
{
	uint64_t end = now_ns() + DRAIN;

	for (uint64_t now = now_ns(); load->client.table.used > 0 && now < end; now = now_ns()) {
		if (receive(load, now) == 0)
			wire_wait(load->wire, IDLE);
		client_tick(&load->client, now);
		wire_flush(load->wire);
	}
	load->client.counts.unclosed += load->client.table.used;
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* From the resolved gateway to the report. */
static int measure(struct load *load, const struct mac *gateway)
{
	struct report report = {
		.options = &load->options, .client = &load->client, .flood = &load->flood};
	double cpu = cpu_seconds();
	int r;

	load->begun_at = load->ticked_at = now_ns();
	flood_init(&load->flood, &load->options, load->wire, gateway, load->begun_at);
	r = client_init(&load->client, &load->options, load->wire, gateway, load->begun_at);
	if (r < 0)
		return r;
	r = run(load);
	report.seconds =
		(double)((load->options.idle ? now_ns() : load->client.last_end) - load->begun_at) /
		1e9;
	report.cpu = cpu_seconds() - cpu;
	drain(load);
	report.bad_frames = load->bad_frames;
	wire_counts(load->wire, &report.wire);
	if (r == 0)
		report_print(&report);
	client_finish(&load->client);
	return r < 0 ? r : load->client.counts.right != load->client.counts.begun;
}

static int open_and_measure(struct load *load)
{
	const struct options *o = &load->options;
	int which = o->target[0].family ? 0 : 1, r = wire_open(o->interface, &load->wire);
	struct mac gateway;

	if (r < 0) {
		fprintf(stderr, "loadgen: %s: %s\n", o->interface, strerror(-r));
		return r;
	}
	r = neighbours_resolve(&o->guests, load->wire, &o->gateway[which], &gateway);
	if (r < 0)
		fprintf(stderr, "loadgen: the gateway does not answer: %s\n", strerror(-r));
	else
		r = measure(load, &gateway);
	wire_close(load->wire);
	return r;
}

int main(int argc, char **argv)
{
	struct load *load CLEANUP(cleanup_free) = calloc(1, sizeof(*load));
	int r = load ? options_parse(argc, argv, &load->options) : -ENOMEM;

	if (r != 0)
		return r > 0 ? 0 : 2;
	if (!namespace_is_made()) {
		fputs("loadgen: runs only in a network namespace made for it (ip netns add)\n",
		      stderr);
		return 3;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	r = open_and_measure(load);
	return r < 0 ? 3 : r;
}
