/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The responder against any packet.  The first byte of the input says how the rest is used: whether
 * checksums are mended, whether the acknowledgement is made one of ours, how old the connection is
 * and how large the answer.  What comes out must keep the promises of portal/responder.c.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>

#include "portal/responder.h"
#include "tests/unit/fake_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	OURS = 1,      /* the acknowledgement is of a connection that we answered */
	MENDED = 2,    /* checksums are right */
	PARTIAL = 4,   /* the TCP checksum is not looked at */
	AGE_SHIFT = 3, /* two bits */
	SIZE_SHIFT = 5 /* of the answer: three bits */
};
enum { NOW = 100000, IP4_ACK = 20 + 8, IP6_ACK = 40 + 8 };

static const unsigned int ages[4] = {0, 4, 40, 200};
static const int sizes[8] = {-1, 0, 100, 535, 1460, 2000, 4096, RESPONDER_ANSWER_MAX};
static const struct mac guest = {{2, 0, 0, 0, 0, 1}};
static const struct responder_zone zone = {.mac = {{2, 0, 0, 0, 0, 2}}, .mtu = 1500};

static void must(int condition)
{
	if (!condition)
		abort();
}

static int make_answer(void *ctx, const struct responder_request *req, char *buf, size_t size)
{
	const int len = *(const int *)ctx;

	must(strlen(req->method) > 0 && req->target && (!req->host || strlen(req->host) < size));
	for (int i = 0; i < len; i++)
		buf[i] = (char)(i % 253);
	return len;
}

static struct cookie_flow flow_of(const struct segment *s)
{
	return (struct cookie_flow){.mac = &guest, .src = &s->src, .dst = &s->dst};
}

/* Puts a good acknowledgement into a packet without IP options or extension headers. */
static void make_ours(const struct responder *r, uint8_t *packet, size_t len)
{
	struct segment s;

	if (packet_read(packet, len, true, &s) != PACKET_FINE)
		return;
	const struct cookie_flow flow = flow_of(&s);
	const size_t at = packet[0] == 0x45			? IP4_ACK
			  : s.src.family == 6 && packet[6] == 6 ? IP6_ACK
								: 0;

	if (at == 0)
		return;
	/* what the input has there says how much of the answer is acknowledged, and the class */
	const uint32_t ack = cookie_make(&r->keys, &flow, s.ack >> 16 & 3, NOW) + 1 +
			     (s.ack & 0xffff) % (COOKIE_ACKED_MAX + 1);

	for (int i = 0; i < 4; i++)
		packet[at + (size_t)i] = (uint8_t)(ack >> (24 - 8 * i));
}

static void check_data(const struct fake_tcp *t, uint32_t acked, uint32_t first, int size)
{
	const uint32_t at = acked + (t->seq - first);

	must(at + t->len <= (uint32_t)size);
	for (size_t i = 0; i < t->len; i++)
		must(t->data[i] == (uint8_t)((at + i) % 253));
	must(!(t->flags & TH_FIN) || at + t->len == (uint32_t)size);
}

static void check_frame(const struct responder_frames *frames, size_t i, const struct segment *in,
			const struct cookie *cookie, int size)
{
	const uint8_t *frame = frames->at[i];
	const size_t len = frames->len[i] - FAKE_ETHERNET;
	const size_t n = in->src.family == 4 ? 4 : 16;
	struct fake_tcp t;

	must(frames->len[i] <= FRAME_MAX && len <= FRAME_MTU_MAX);
	must(memcmp(frame, guest.b, MAC_LEN) == 0 && memcmp(frame + 6, zone.mac.b, MAC_LEN) == 0);
	must(!fake_read(frame + FAKE_ETHERNET, len, &t));
	must(t.ip6 == (in->src.family == 6));
	must(memcmp(t.dst, in->src.b, n) == 0 && memcmp(t.src, in->dst.b, n) == 0);
	must(t.dst_port == in->src.port && t.src_port == in->dst.port);
	if (in->flags & TH_SYN) {
		must(frames->count == 1 && len <= in->ip_len && t.len == 0);
		must(t.flags == (TH_SYN | TH_ACK) && t.ack == in->seq + 1);
		return;
	}
	must(!(t.flags & TH_SYN) && t.flags & TH_ACK);
	must(t.ack - in->seq <= in->len + 1);
	must(t.len == 0 || (uint32_t)(t.seq + t.len - in->ack) <= in->window);
	if (t.len > 0)
		check_data(&t, cookie->acked, in->ack, size);
	if (t.flags & TH_RST)
		must(frames->count == 1 && cookie->acked > 0 && t.len == 0);
}

/* To a segment that is not ours: no more than the bare reset, to where it came from. */
static void check_reset(const struct responder_frames *frames, const struct segment *in)
{
	const size_t len = frames->len[0] - FAKE_ETHERNET;
	struct fake_tcp t;

	must(frames->count == 1 && len <= in->ip_len);
	must(memcmp(frames->at[0], guest.b, MAC_LEN) == 0);
	must(!fake_read(frames->at[0] + FAKE_ETHERNET, len, &t));
	must(t.flags == TH_RST && t.len == 0 && t.seq == in->ack && in->flags & TH_ACK);
}

static void check(struct responder *r, const struct responder_packet *packet, uint64_t now,
		  const struct responder_frames *frames, int size)
{
	struct segment s;
	struct cookie cookie = {0};

	if (frames->count == 0)
		return;
	must(packet_read(packet->data, packet->len, packet->partial, &s) == PACKET_FINE);
	const struct cookie_flow flow = flow_of(&s);

	must(!(s.flags & TH_RST));
	if (!(s.flags & TH_SYN) && !cookie_check(&r->keys, &flow, s.ack, now, &cookie)) {
		check_reset(frames, &s);
		return;
	}
	must(s.flags & (TH_SYN | TH_FIN) || s.len > 0);
	for (size_t i = 0; i < frames->count; i++)
		check_frame(frames, i, &s, &cookie, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[RESPONDER_FRAMES_MAX][FRAME_MAX];
	static const uint8_t key[COOKIE_KEY_LEN] = "a key";
	struct responder_frames frames = {.room = RESPONDER_FRAMES_MAX};

	if (size < 2 || size > FAKE_PACKET_MAX)
		return 0;
	const uint64_t now = NOW + ages[data[0] >> AGE_SHIFT & 3];
	int answer_size = sizes[data[0] >> SIZE_SHIFT];
	struct responder r = {
		.zones = &zone, .zone_count = 1, .answer = make_answer, .ctx = &answer_size};
	uint8_t *bytes = malloc(size - 1);

	must(bytes != NULL);
	memcpy(bytes, data + 1, size - 1);
	cookie_init(&r.keys, key, NOW);
	for (size_t i = 0; i < frames.room; i++)
		frames.at[i] = out[i];
	if (data[0] & OURS)
		make_ours(&r, bytes, size - 1);
	if (data[0] & MENDED && size - 1 >= 40 && (bytes[0] & 0xf) * 4u <= size - 1)
		fake_mend(bytes, size - 1, 0);

	const struct responder_packet packet = {
		.data = bytes, .len = size - 1, .partial = data[0] & PARTIAL, .mac = guest};
	const enum responder_outcome outcome = responder_handle(&r, &packet, now, &frames);

	must(r.counts[outcome] == 1 && responder_outcome_names[outcome] != NULL);
	check(&r, &packet, now, &frames, answer_size);
	free(bytes);
	return 0;
}
