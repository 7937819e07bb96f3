/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP (RFC 9293) that keeps nothing: all that it must know about a connection stands in the
 * guest's segment, because our first sequence number (portal/cookie.h) comes back with every
 * acknowledgement: that the guest is where it says, its MSS, how old the connection is, and how
 * much of our answer has arrived.  What a segment does not tell is how far the guest's own stream
 * is.  So:
 *
 * - Nothing is sent but in reply to a SYN, and to data or a FIN whose acknowledgement is ours; what
 *   acknowledges something else is reset.  Nothing is sent to anybody but the packet's sender, and nothing
 *   to what may be forged that is larger: a SYN-ACK than its SYN (with an option less if need be), a reset.
 * - We have no timer: what is lost comes again because the guest sends again what we did not
 *   acknowledge.  An answer of one segment acknowledges the request; it arrives as a whole or not at
 *   all.  A longer one acknowledges nothing but in its last segment sent alone, so the request is
 *   repeated until all of the answer is there, and each time the answer goes on from where the
 *   guest is.  (A Date that changes meanwhile has the same length.)
 * - Segments of a longer answer end at multiples of the MSS.  So an acknowledgement of anything else
 *   means that the guest has the whole answer, and from then on whatever it sends is acknowledged
 *   and thrown away.  One in MSS answers ends at such a multiple by chance; then its FIN is
 *   acknowledged only after RESPONDER_PATIENCE.
 * - A request is answered as soon as one segment holds enough of its head; 16 kB of cookies, bodies
 *   and further requests come too late to matter, and our first window holds two segments of them.
 *   The beginning of a head stays unacknowledged for RESPONDER_PATIENCE (at most: the clock of the
 *   sequence number counts in such steps), because guests join what they send again.  What does not
 *   begin like a request stays so for RESPONDER_NOISE_PATIENCE, because it may be a later part that
 *   overtook the first.  A FIN ends the wait.  Who then still sends no more (one that holds the rest
 *   back until the first part is acknowledged), or what is no HTTP, gets the answer to an unknown
 *   request; but never in several segments, since a part of it and a part of the answer to what the
 *   guest joined meanwhile would make nonsense: then the connection is closed.  A TLS hello is closed
 *   at once.
 * - Accepted: these times run from the SYN, the one clock that we have.  On a connection that is older, the second
 *   segment of a request whose first was lost looks like noise (both may be short and pushed), and is answered as such:
 *   the guest gets the answer to an unknown request, or if that is long an empty close.  To wait for longer would leave
 *   those who speak no HTTP waiting on every connection.
 * - A FIN without data before the answer could belong to a request that was lost, or to one that is
 *   not answered yet: it waits for RESPONDER_FIN_PATIENCE, a whole slot at least, because it would
 *   be acknowledged together with the request.
 * - Options: MSS alone.  Window scaling and SACK serve long streams, timestamps would cost 12 bytes
 *   in each segment and a larger SYN-ACK for a connection of one round trip (RFC 7323, 3.2, asks for
 *   them in all segments once offered).
 * - An idle connection ends by itself COOKIE_SLOTS after its SYN: later data are reset.  An acknowledgement
 *   alone gets no reply, nor does a keep-alive, which looks like one; those of other connections are reset.
 *   (nft/portal.nft drops those without options, which all of ours are, before they come here.)
 */
#include <string.h>

#include <netinet/tcp.h>

#include "portal/head.h"
#include "portal/responder.h"

enum {
	MSS4 = PACKET_IP4_HEADER + PACKET_TCP_HEADER, /* what of a packet is no data */
	MSS6 = PACKET_IP6_HEADER + PACKET_TCP_HEADER,
	MSS4_DEFAULT = 536, /* of a SYN without the option: RFC 9293, 3.7.1 */
	MSS6_DEFAULT = 1220,
	WINDOW = 65535,
	TLS_HANDSHAKE = 0x16, /* RFC 8446, 5.1: content type, and the version's first byte */
	TLS_MAJOR = 3,
	/* seconds, counted in slots that have begun: in fact up to a slot less */
	RESPONDER_PATIENCE = COOKIE_SLOT,	    /* for a part of a head to get whole */
	RESPONDER_NOISE_PATIENCE = 2 * COOKIE_SLOT, /* for the first segment to come after others */
	RESPONDER_FIN_PATIENCE = 2 * COOKIE_SLOT,   /* for a request to come before its FIN */
	RESPONDER_UPLOAD_MAX = 30,		    /* seconds in which the rest of one may come */
};

const char *const responder_outcome_names[RESPONDER_OUTCOMES] = {
	[RESPONDER_SYN] = "syn",
	[RESPONDER_ANSWERED] = "answered",
	[RESPONDER_ACKED] = "acknowledged",
	[RESPONDER_CLOSED] = "closed",
	[RESPONDER_RESET] = "reset",
	[RESPONDER_QUIET] = "quiet",
	[RESPONDER_WAITING] = "waiting",
	[RESPONDER_HELD] = "held",
	[RESPONDER_STRANGE] = "strange",
	[RESPONDER_BAD_MSS] = "bad-mss",
	[RESPONDER_BAD_SENDER] = "bad-sender",
	[RESPONDER_NO_ROOM] = "no-room",
	[RESPONDER_REFUSED] = "refused",
	[RESPONDER_REFUSED + PACKET_TRUNCATED] = "refused-truncated",
	[RESPONDER_REFUSED + PACKET_NO_IP] = "refused-no-ip",
	[RESPONDER_REFUSED + PACKET_FRAGMENT] = "refused-fragment",
	[RESPONDER_REFUSED + PACKET_EXTENSION] = "refused-extension",
	[RESPONDER_REFUSED + PACKET_NO_TCP] = "refused-no-tcp",
	[RESPONDER_REFUSED + PACKET_CHECKSUM] = "refused-checksum",
	[RESPONDER_REFUSED + PACKET_ADDRESS] = "refused-address",
	[RESPONDER_REFUSED + PACKET_PORT] = "refused-port",
	[RESPONDER_REFUSED + PACKET_FLAGS] = "refused-flags",
};

/* The MSS that a cookie's class stands for. */
static const uint16_t classes[2][COOKIE_CLASSES] = {
	{RESPONDER_MSS_MIN, MSS4_DEFAULT, 1220, FRAME_MTU_MAX - MSS4},
	{RESPONDER_MSS_MIN, MSS4_DEFAULT, MSS6_DEFAULT, FRAME_MTU_MAX - MSS6},
};

/* A packet on its way through. */
struct turn {
	struct responder *r;
	const struct responder_zone *zone;
	const struct mac *mac;
	size_t zone_index;
	uint64_t now;
	struct segment in;
	struct cookie cookie;
	struct responder_frames *out;
};

static bool is_ip6(const struct turn *t)
{
	return t->in.src.family == 6;
}

/* What our segments may hold: the guest's MSS. */
static uint16_t mss_of(const struct turn *t)
{
	return classes[is_ip6(t)][t->cookie.class];
}

/* The most that may come to us in one segment. */
static uint16_t mss_of_zone(const struct turn *t)
{
	const uint16_t mtu = t->zone->mtu < FRAME_MTU_MAX ? t->zone->mtu : FRAME_MTU_MAX;

	return mtu - (is_ip6(t) ? MSS6 : MSS4);
}

/* Until the guest has the answer: what it sends meanwhile is thrown away. */
static uint16_t first_window(const struct turn *t)
{
	return 2 * mss_of_zone(t);
}

static struct cookie_flow flow_of(const struct turn *t)
{
	return (struct cookie_flow){
		.mac = t->mac,
		.src = &t->in.src,
		.dst = &t->in.dst,
		.zone = (uint32_t)t->zone_index,
	};
}

/* The number behind what the guest sent. */
static uint32_t end_of(const struct segment *s)
{
	return s->seq + (uint32_t)s->len + (s->flags & TH_FIN ? 1 : 0);
}

/* Addresses f to the guest and writes it.  false: there is no room. */
static bool emit(struct turn *t, struct frame f)
{
	struct responder_frames *out = t->out;

	if (out->count >= out->room)
		return false;
	f.src_mac = t->zone->mac;
	f.dst_mac = *t->mac;
	f.vlan = t->zone->vlan;
	f.src = t->in.dst;
	f.dst = t->in.src;
	out->len[out->count] = frame_write(&f, out->at[out->count]);
	out->count++;
	return true;
}

/* A segment without data, which takes all that came. */
static enum responder_outcome reply(struct turn *t, uint8_t flags, enum responder_outcome outcome)
{
	const struct frame f = {
		.seq = t->in.ack, .ack = end_of(&t->in), .flags = flags, .window = WINDOW};

	return emit(t, f) ? outcome : RESPONDER_NO_ROOM;
}

/* A small window in the SYN shows a small device, whose MSS may be no smaller. */
static enum responder_outcome on_syn(struct turn *t)
{
	const uint16_t *const table = classes[is_ip6(t)];
	const uint16_t ours = mss_of_zone(t);
	const size_t header = is_ip6(t) ? MSS6 : MSS4;
	const struct cookie_flow flow = flow_of(t);
	uint16_t mss = t->in.mss != 0 ? t->in.mss : is_ip6(t) ? MSS6_DEFAULT : MSS4_DEFAULT;
	unsigned int class = COOKIE_CLASSES - 1;

	if (mss < RESPONDER_MSS_MIN)
		return RESPONDER_BAD_MSS;
	mss = mss < ours ? mss : ours;
	mss = mss < t->in.window ? mss : t->in.window;
	while (class > 0 && table[class] > mss)
		class --;
	const struct frame f = {
		.seq = cookie_make(&t->r->keys, &flow, class, t->now),
		.ack = t->in.seq + 1,
		.flags = TH_SYN | TH_ACK,
		.window = first_window(t),
		.mss = t->in.ip_len >= header + PACKET_MSS_OPTION ? ours : 0,
	};

	return emit(t, f) ? RESPONDER_SYN : RESPONDER_NO_ROOM;
}

/* Sends what the guest lacks of an answer.  Whole segments only, but for the last. */
static enum responder_outcome send_answer(struct turn *t, const char *answer, uint32_t len)
{
	const uint32_t mss = mss_of(t), acked = t->cookie.acked;
	uint32_t at = acked;

	if (acked > len)
		return reply(t, TH_ACK, RESPONDER_ACKED);
	const bool whole = len - acked <= mss;

	do {
		const uint32_t n = len - at < mss ? len - at : mss;
		const bool last = at + n == len;
		const struct frame f = {
			.seq = t->in.ack + (at - acked),
			.ack = whole ? end_of(&t->in) : t->in.seq,
			.flags = last ? TH_ACK | TH_PUSH | TH_FIN : TH_ACK,
			.window = last ? WINDOW : first_window(t),
			.data = (const uint8_t *)answer + at,
			.len = n,
		};

		if (at + n - acked > t->in.window)
			return at > acked ? RESPONDER_ANSWERED : RESPONDER_HELD;
		if (!emit(t, f))
			return at > acked ? RESPONDER_ANSWERED : RESPONDER_NO_ROOM;
		at += n;
	} while (at < len);
	return RESPONDER_ANSWERED;
}

/* h without a method: an unknown request. */
static enum responder_outcome answer(struct turn *t, const struct head *h, enum head_state state)
{
	const bool known = h->method;
	const struct responder_request req = {
		.zone = t->zone_index,
		.family = t->in.src.family,
		.method = known ? h->method : "GET",
		.target = known ? h->target : "",
		.host = known ? h->host : NULL,
	};
	int len = t->r->answer(t->r->ctx, &req, t->r->text, sizeof(t->r->text));

	if (len < 0 || (state != HEAD_READY && len > mss_of(t)))
		return reply(t, TH_ACK | TH_FIN, RESPONDER_CLOSED);
	return send_answer(t, t->r->text, (uint32_t)len);
}

static bool is_tls(const struct segment *s)
{
	return s->len >= 2 && s->data[0] == TLS_HANDSHAKE && s->data[1] == TLS_MAJOR;
}

static enum responder_outcome reset(struct turn *t)
{
	return reply(t, TH_RST | TH_ACK, RESPONDER_RESET);
}

/* Seconds for an unclear request to get clear. */
static unsigned int patience(enum head_state state, bool fin)
{
	if (fin) /* nothing more comes behind it */
		return 0;
	return state == HEAD_NONE ? RESPONDER_NOISE_PATIENCE : RESPONDER_PATIENCE;
}

/* Before the guest has all of the answer, as far as we know. */
static enum responder_outcome on_request(struct turn *t)
{
	const unsigned int age = t->cookie.age * COOKIE_SLOT;
	const struct segment *s = &t->in;
	struct head head;

	if (s->len == 0 && t->cookie.acked == 0)
		return age < RESPONDER_FIN_PATIENCE ? RESPONDER_WAITING
						    : reply(t, TH_ACK | TH_FIN, RESPONDER_CLOSED);
	if (s->len == 0)
		return age < RESPONDER_PATIENCE ? RESPONDER_WAITING
						: reply(t, TH_ACK, RESPONDER_ACKED);
	if (t->cookie.acked == 0 && is_tls(s))
		return reply(t, TH_ACK | TH_FIN, RESPONDER_CLOSED);

	const enum head_state state = head_read(s->data, s->len, &head);

	if (state == HEAD_READY)
		return answer(t, &head, state);
	if (t->cookie.acked > 0) /* the answer to another segment is under way */
		return age < RESPONDER_UPLOAD_MAX ? RESPONDER_WAITING : reset(t);
	if (age < patience(state, s->flags & TH_FIN))
		return RESPONDER_WAITING;
	return answer(t, &head, state);
}

/* The guest has all of the answer: what it still sends is taken, for a time. */
static enum responder_outcome on_rest(struct turn *t)
{
	if (t->in.len > 0 && t->cookie.age * COOKIE_SLOT >= RESPONDER_UPLOAD_MAX)
		return reset(t);
	return reply(t, TH_ACK, RESPONDER_ACKED);
}

/* A segment of a connection that is not ours: one that the guest has with the server itself since it was
 * online, say, and would wait on for minutes.  It gets what a host without the connection sends (RFC
 * 9293, 3.10.7.1), which is no larger than the segment and goes to the MAC that sent it. */
static enum responder_outcome refuse(struct turn *t)
{
	const struct frame f = {.seq = t->in.ack, .flags = TH_RST};

	if (t->in.flags & TH_ACK)
		emit(t, f);
	return RESPONDER_STRANGE;
}

static enum responder_outcome on_segment(struct turn *t)
{
	const struct cookie_flow flow = flow_of(t);

	if (t->in.flags & TH_SYN)
		return on_syn(t);
	if (t->in.flags & TH_RST)
		return RESPONDER_QUIET;
	if (!cookie_check(&t->r->keys, &flow, t->in.ack, t->now, &t->cookie))
		return refuse(t);
	if (t->in.len == 0 && !(t->in.flags & TH_FIN))
		return RESPONDER_QUIET;
	return t->cookie.acked % mss_of(t) == 0 ? on_request(t) : on_rest(t);
}

static bool is_device(const struct mac *mac)
{
	static const struct mac none;

	return !(mac->b[0] & 1) && !mac_equal(mac, &none);
}

static enum responder_outcome handle(struct turn *t, const struct responder_packet *packet)
{
	if (packet->zone >= t->r->zone_count || !is_device(&packet->mac))
		return RESPONDER_BAD_SENDER;
	t->zone = &t->r->zones[packet->zone];
	const enum packet_refusal refusal =
		packet_read(packet->data, packet->len, packet->partial, &t->in);

	return refusal == PACKET_FINE ? on_segment(t)
				      : (enum responder_outcome)(RESPONDER_REFUSED + (int)refusal);
}

enum responder_outcome responder_handle(struct responder *r, const struct responder_packet *packet,
					uint64_t now, struct responder_frames *frames)
{
	struct turn t = {
		.r = r,
		.mac = &packet->mac,
		.zone_index = packet->zone,
		.now = now,
		.out = frames,
	};

	frames->count = 0;
	const enum responder_outcome outcome = handle(&t, packet);

	r->counts[outcome]++;
	return outcome;
}
