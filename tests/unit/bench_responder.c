/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the responder itself costs: nanoseconds for a whole exchange (SYN, acknowledgement, request,
 * acknowledgement, FIN), with portald's own page, and for each kind of packet that a flood consists
 * of.
 *
 *	meson test --benchmark --verbose responder
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "portal/responder.h"
#include "tests/unit/fake_packet.h"

enum { ROUNDS = 100000, NOW = 1000, PAGE_MAX = 16384 };

static const struct addr local = {.family = 4, .b = {192, 0, 2, 1}};
static struct responder_gateway gateway;
static char page_text[PAGE_MAX];
static struct answer_zone zone = {.title = "Inn", .lang = "en", .dir = "ltr", .refresh = 10};
static uint8_t out[RESPONDER_FRAMES_MAX][FRAME_MAX];

struct bench {
	struct responder responder;
	struct responder_frames frames;
	struct fake_tcp tcp;
	uint8_t packet[FAKE_PACKET_MAX];
	uint64_t ns;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static const char *find(void *ctx, const char *file, size_t *ret_len)
{
	(void)ctx;
	(void)file;
	*ret_len = strlen(page_text);
	return page_text;
}

static int make_answer(void *ctx, const struct responder_request *req, char *buf, size_t size)
{
	struct link_target target;

	(void)ctx;
	link_split(req->target, req->host, &target);
	return responder_answer(req, &target, &zone, &gateway, NOW, buf, size);
}

/* Hands one packet over and counts the time.  wanted: RESPONDER_OUTCOMES for any. */
static void hand(struct bench *b, uint8_t flags, uint32_t seq, const char *text,
		 enum responder_outcome wanted)
{
	b->tcp.flags = flags;
	b->tcp.seq = seq;
	b->tcp.data = (const uint8_t *)text;
	b->tcp.len = strlen(text);
	b->tcp.mss = flags == 2 ? 1460 : 0;
	const struct responder_packet packet = {.data = b->packet,
						.len = fake_write(&b->tcp, b->packet),
						.mac = {{2, 0, 0, 0, 0, 1}}};
	const uint64_t begun = now_ns();

	const enum responder_outcome outcome =
		responder_handle(&b->responder, &packet, NOW, &b->frames);

	b->ns += now_ns() - begun;
	if (outcome != wanted && wanted != RESPONDER_OUTCOMES)
		abort();
}

static void acknowledge(struct bench *b)
{
	struct fake_tcp got;

	if (fake_read(out[0] + FAKE_ETHERNET, b->frames.len[0] - FAKE_ETHERNET, &got))
		abort();
	b->tcp.ack = got.seq + (uint32_t)got.len + (got.flags & 3 ? 1 : 0);
}

static void exchange(struct bench *b)
{
	static const char request[] =
		"GET /page HTTP/1.1\r\nHost: www.example.org\r\nConnection: keep-alive\r\n"
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
		"Gecko) Chrome/120.0.0.0 Safari/537.36\r\nAccept-Encoding: gzip, deflate\r\n\r\n";

	b->tcp.src_port++;
	hand(b, 2, 0, "", RESPONDER_SYN);
	acknowledge(b);
	hand(b, 16, 1, "", RESPONDER_QUIET);
	hand(b, 24, 1, request, RESPONDER_ANSWERED);
	acknowledge(b);
	hand(b, 16, sizeof(request), "", RESPONDER_QUIET);
	hand(b, 17, sizeof(request), "", RESPONDER_ACKED);
}

static void syn(struct bench *b)
{
	b->tcp.src_port++;
	hand(b, 2, 0, "", RESPONDER_SYN);
}

static void stray(struct bench *b)
{
	b->tcp.ack = 12345;
	hand(b, 17, 1, "", RESPONDER_OUTCOMES); /* one in 2048 is not noticed */
}

static void measure(struct bench *b, const char *name, void (*run)(struct bench *))
{
	b->ns = 0;
	for (int i = 0; i < ROUNDS; i++) {
		b->tcp.src_port = (uint16_t)(i % 50000 + 1024);
		run(b);
	}
	printf("%-22s %6.0f ns\n", name, (double)b->ns / ROUNDS);
}

int main(int argc, char **argv)
{
	static const struct responder_zone zones = {.mtu = 1500};
	static const uint8_t key[COOKIE_KEY_LEN] = "a key of a bench";
	static struct bench b = {
		.responder = {.zones = &zones, .zone_count = 1, .answer = make_answer},
		.frames = {.room = RESPONDER_FRAMES_MAX},
		.tcp = {.src = {192, 0, 2, 10},
			.dst = {198, 51, 100, 5},
			.dst_port = 80,
			.window = 64240},
	};
	const struct template_source source = {answer_names, ANSWER_VALUES, find, NULL};
	CLEANUP(cleanup_fclose) FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	char error[TEMPLATE_ERROR_MAX];
	struct template *page;

	if (!file || fread(page_text, 1, sizeof(page_text) - 1, file) == 0 ||
	    template_parse(&source, "page", &page, error) < 0)
		return 1;
	zone.page = page;
	responder_gateway_init(&gateway, &zone, &local);
	cookie_init(&b.responder.keys, key, NOW);
	for (size_t i = 0; i < RESPONDER_FRAMES_MAX; i++)
		b.frames.at[i] = out[i];
	measure(&b, "an exchange", exchange);
	measure(&b, "a SYN", syn);
	measure(&b, "a forged FIN", stray);
	template_destroy(page);
	return 0;
}
