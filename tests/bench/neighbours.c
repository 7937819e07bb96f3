// SPDX-License-Identifier: GPL-2.0-or-later
/* All guests use the gateway's one MAC, so it is resolved once; they themselves answer each time. */
#include <errno.h>
#include <string.h>

#include "tests/bench/neighbours.h"

enum { TRIES = 60, TRY_NANOSECONDS = 50000000 };

int neighbours_receive(const struct guests *guests, struct wire *wire, const uint8_t *frame,
		       size_t len)
{
	struct neighbour question;
	int64_t guest;
	int r = neighbour_read(frame, len, &question);

	if (r != 0 || question.answer)
		return r;
	guest = guest_find(guests, &question.target);
	if (guest == GUESTS_NONE)
		return 0;

	struct neighbour answer = {
		.to_mac = question.from_mac,
		.from = question.target,
		.to = question.from,
		.target = question.target,
		.answer = true,
	};

	guest_mac((uint32_t)guest, &answer.from_mac);
	answer.target_mac = answer.from_mac;
	wire_send(wire, neighbour_write(&answer, wire_room(wire)));
	return 0;
}

static void ask(const struct guests *guests, struct wire *wire, const struct addr *gateway)
{
	struct neighbour question = {.target = *gateway, .to = *gateway};

	guest_mac(0, &question.from_mac);
	guest_addr(guests, 0, gateway->family, &question.from);
	memset(question.to_mac.b, 0xff, MAC_LEN);
	if (gateway->family == 6) { /* RFC 4291, 2.7.1; RFC 2464, 7 */
		static const uint8_t solicited[] = {0xff, 0x02, 0, 0, 0,    0,	 0,
						    0,	  0,	0, 0, 0x01, 0xff};

		memcpy(question.to.b, solicited, sizeof(solicited));
		question.to_mac = (struct mac){
			{0x33, 0x33, 0xff, gateway->b[13], gateway->b[14], gateway->b[15]}};
	}
	wire_send(wire, neighbour_write(&question, wire_room(wire)));
	wire_flush(wire);
}

/* Reads what is there. */
static int look(const struct guests *guests, struct wire *wire, const struct addr *gateway,
		struct mac *ret_mac)
{
	struct neighbour heard;
	const uint8_t *frame;
	bool verify;
	size_t len;
	int r = -EAGAIN;

	while ((frame = wire_receive(wire, &len, &verify))) {
		if (neighbour_read(frame, len, &heard) == 0 && heard.answer &&
		    addr_equal(&heard.target, gateway)) {
			*ret_mac = heard.target_mac;
			r = 0;
		}
		neighbours_receive(guests, wire, frame, len);
		wire_release(wire);
	}
	wire_flush(wire);
	return r;
}

int neighbours_resolve(const struct guests *guests, struct wire *wire, const struct addr *gateway,
		       struct mac *ret_mac)
{
	for (int i = 0; i < TRIES; i++) {
		if (i % 10 == 0)
			ask(guests, wire, gateway);
		wire_wait(wire, TRY_NANOSECONDS);
		if (look(guests, wire, gateway, ret_mac) == 0)
			return 0;
	}
	return -ETIMEDOUT;
}
