// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each SYN is a connection of its own: the devices take turns, and each goes through its ports.
 * The devices have the numbers from GUESTS_MAX on, with a MAC and addresses each; questions for
 * their addresses are answered like those for the guests.
 *
 * One that is late sends a few SYNs between two looks at what came in: with BATCH 128, on a machine
 * that was 14 times slower for 20 ms, each look was 4 ms late, and the guests' answers with it.
 */
#include "tests/bench/flood.h"

enum { BATCH = 16, BEHIND_MAX = 1024, PORT_FIRST = 1024 };

void flood_init(struct flood *f, const struct options *options, struct wire *wire,
		const struct mac *gateway, uint64_t now)
{
	*f = (struct flood){.options = options, .wire = wire, .gateway = *gateway, .begun_at = now};
}

static void send_syn(struct flood *f)
{
	const struct options *o = f->options;
	uint32_t device = (uint32_t)(f->sent % o->guests.flooders), number = GUESTS_MAX + device;
	uint64_t turn = f->sent / o->guests.flooders;
	bool six = !o->target[0].family || (o->target[1].family && turn % 2);
	struct segment s = {
		.to_mac = f->gateway,
		.to = o->target[six],
		.seq = (uint32_t)(f->sent * 2654435761u),
		.flags = TCP_SYN,
		.window = 65535,
		.mss = SEGMENT_MSS,
	};
	size_t len;

	guest_mac(number, &s.from_mac);
	guest_addr(&o->guests, number, six ? 6 : 4, &s.from);
	s.from.port = (uint16_t)(PORT_FIRST + turn % (UINT16_MAX - PORT_FIRST));
	len = segment_write(&s, wire_room(f->wire));
	wire_send(f->wire, len);
	f->sent++;
	f->bytes_sent += len;
}

void flood_run(struct flood *f, uint64_t now)
{
	uint64_t due;

	if (!f->options->flood_rate)
		return;
	due = (now - f->begun_at) / 1000 * f->options->flood_rate / 1000000;
	if (due - f->due > BEHIND_MAX)
		f->due = due - BEHIND_MAX;
	for (int i = 0; i < BATCH && f->due < due; i++, f->due++)
		send_syn(f);
}

void flood_receive(struct flood *f, size_t len)
{
	f->answers++;
	f->bytes_answered += len;
}
