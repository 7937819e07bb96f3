// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sequence numbers and retransmission after RFC 9293 and RFC 6298: SYNs again after 1 s, 3 s, 7 s,
 * data and FIN after 300 ms, each wait twice as long as the one before.  The second segment is
 * acknowledged at once, a lone one after 40 ms or with our FIN (RFC 9293, 3.8.6.3).  Whoever gives
 * up sends a reset, so that nothing of the server's hangs on us.
 */
#include <stddef.h>

#include "tests/bench/conn.h"

enum { WINDOW = 65535, FINS_MAX = 5 };

static const uint64_t SYN_WAIT = 1000000000, DATA_WAIT = 300000000, ACK_WAIT = 40000000;

/* RFC 9293, 3.4: sequence numbers go round. */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void send_segment(struct conn *c, struct wire *wire, uint8_t flags, uint32_t seq,
			 const uint8_t *data, uint32_t len)
{
	const struct segment segment = {
		.from_mac = c->mac,
		.to_mac = c->to_mac,
		.from = c->local,
		.to = c->remote,
		.seq = seq,
		.ack = flags & TCP_ACK ? c->received : 0,
		.flags = flags,
		.window = WINDOW,
		.mss = flags & TCP_SYN ? SEGMENT_MSS : 0,
		.data = data,
		.len = len,
	};

	wire_send(wire, segment_write(&segment, wire_room(wire)));
	c->unacked = 0;
	c->ack_at = 0;
}

static void send_ack(struct conn *c, struct wire *wire)
{
	send_segment(c, wire, TCP_ACK, c->nxt, NULL, 0);
}

/* What of the request is not acknowledged. */
static void send_request(struct conn *c, struct wire *wire)
{
	uint32_t len, offset;

	for (uint32_t seq = c->una; before(seq, c->end); seq += len) {
		offset = c->request_len - (c->end - seq);
		len = c->end - seq < SEGMENT_MSS ? c->end - seq : SEGMENT_MSS;
		send_segment(c, wire, TCP_ACK | (seq + len == c->end ? TCP_PSH : 0), seq,
			     c->request + offset, len);
	}
	c->nxt = c->end;
}

static void send_fin(struct conn *c, struct wire *wire)
{
	send_segment(c, wire, TCP_FIN | TCP_ACK, c->end, NULL, 0);
	c->nxt = c->end + 1;
	c->fins++;
}

static void wait_for_answer(struct conn *c, uint64_t wait, uint64_t now)
{
	c->wait = wait;
	c->resend_at = now + wait;
}

void conn_start(struct conn *c, struct wire *wire, uint32_t first_sequence, uint64_t now)
{
	c->state = CONN_SYN_SENT;
	c->una = first_sequence;
	c->nxt = first_sequence + 1;
	c->end = c->nxt + c->request_len;
	c->syns = 1;
	c->started = now;
	send_segment(c, wire, TCP_SYN, c->una, NULL, 0);
	wait_for_answer(c, SYN_WAIT, now);
}

static void receive_syn_ack(struct conn *c, struct wire *wire, const struct segment *s,
			    uint64_t now)
{
	c->received = s->seq + 1;
	c->una = s->ack;
	c->state = CONN_OPEN;
	if (c->bare_ack)
		send_ack(c, wire);
	send_request(c, wire);
	wait_for_answer(c, DATA_WAIT, now);
}

static enum conn_event receive_reset(struct conn *c, const struct segment *s)
{
	bool ours = c->state == CONN_SYN_SENT ? (s->flags & TCP_ACK) && s->ack == c->nxt
					      : s->seq - c->received < WINDOW;

	if (!ours)
		return CONN_NOTHING;
	return c->state == CONN_CLOSING ? CONN_RESET_LATE : CONN_RESET;
}

static enum conn_event receive_ack(struct conn *c, const struct segment *s, uint64_t now)
{
	if (before(c->una, s->ack) && !before(c->nxt, s->ack)) {
		c->una = s->ack;
		wait_for_answer(c, DATA_WAIT, now);
	}
	if (c->una != c->nxt)
		return CONN_NOTHING;
	c->resend_at = 0;
	return c->state == CONN_CLOSING ? CONN_CLOSED : CONN_NOTHING;
}

/* Data and FIN, if they come where they belong. */
static enum conn_event receive_data(struct conn *c, struct wire *wire, const struct segment *s,
				    uint64_t now)
{
	if (s->len == 0 && !(s->flags & TCP_FIN))
		return CONN_NOTHING;
	if (s->seq != c->received || c->state != CONN_OPEN) {
		c->out_of_order++;
		send_ack(c, wire);
		return CONN_NOTHING;
	}
	response_feed(&c->response, s->data, s->len);
	c->received += (uint32_t)s->len;
	if (s->flags & TCP_FIN) {
		c->received++;
		c->state = CONN_CLOSING;
		send_fin(c, wire);
		wait_for_answer(c, DATA_WAIT, now);
		return CONN_FINISHED;
	}
	if (++c->unacked >= 2)
		send_ack(c, wire);
	else
		c->ack_at = now + ACK_WAIT;
	return CONN_NOTHING;
}

enum conn_event conn_receive(struct conn *c, struct wire *wire, const struct segment *s,
			     uint64_t now)
{
	enum conn_event event;

	if (s->flags & TCP_RST)
		return receive_reset(c, s);
	if (!(s->flags & TCP_ACK))
		return CONN_NOTHING;
	if (c->state == CONN_SYN_SENT && s->ack != c->nxt) { /* RFC 9293, 3.5.1: half-open */
		send_segment(c, wire, TCP_RST, s->ack, NULL, 0);
		return CONN_NOTHING;
	}
	if (c->state == CONN_SYN_SENT) {
		if (s->flags & TCP_SYN)
			receive_syn_ack(c, wire, s, now);
		return CONN_NOTHING;
	}
	if (s->flags & TCP_SYN) { /* our acknowledgement was lost */
		send_ack(c, wire);
		return CONN_NOTHING;
	}
	event = receive_ack(c, s, now);
	return event == CONN_NOTHING ? receive_data(c, wire, s, now) : event;
}

static enum conn_event resend(struct conn *c, struct wire *wire, uint64_t now)
{
	if (c->state == CONN_CLOSING && c->fins >= FINS_MAX)
		return CONN_UNCLOSED;
	c->resent++;
	switch ((enum conn_state)c->state) {
	case CONN_SYN_SENT:
		c->syns++;
		send_segment(c, wire, TCP_SYN, c->una, NULL, 0);
		break;
	case CONN_OPEN:
		send_request(c, wire);
		break;
	case CONN_CLOSING:
		send_fin(c, wire);
		break;
	case CONN_FREE:
		break;
	}
	wait_for_answer(c, 2 * c->wait, now);
	return CONN_NOTHING;
}

enum conn_event conn_tick(struct conn *c, struct wire *wire, uint64_t now)
{
	if (now >= c->give_up_at) {
		send_segment(c, wire, TCP_RST | TCP_ACK, c->nxt, NULL, 0);
		return c->state == CONN_CLOSING ? CONN_UNCLOSED : CONN_TIMEOUT;
	}
	if (c->ack_at != 0 && now >= c->ack_at)
		send_ack(c, wire);
	if (c->resend_at != 0 && now >= c->resend_at)
		return resend(c, wire, now);
	return CONN_NOTHING;
}
