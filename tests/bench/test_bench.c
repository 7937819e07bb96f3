/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of loadgen that decide what counts as right: reading frames and responses, and its TCP. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/conn.h"
#include "tests/bench/guests.h"
#include "tests/bench/latency.h"

enum { FRAMES_MAX = 8 };

/* A wire that keeps what is sent. */
static uint8_t frames[FRAMES_MAX][FRAME_MAX];
static size_t frame_lens[FRAMES_MAX], frame_count;

uint8_t *wire_room(struct wire *wire)
{
	(void)wire;
	assert_true(frame_count < FRAMES_MAX);
	return frames[frame_count];
}

void wire_send(struct wire *wire, size_t len)
{
	(void)wire;
	frame_lens[frame_count++] = len;
}

static const struct guests guests = {
	.net = {{.family = 4, .b = {10, 64}}, {.family = 6, .b = {0x20, 0x01, 0x0d, 0xb8}}},
	.count = 100000,
	.flooders = 10,
};

static void test_guests(void **state)
{
	static const uint32_t numbers[] = {0, 1, 255, 99999, GUESTS_MAX, GUESTS_MAX + 9};
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		for (uint8_t family = 4; family <= 6; family += 2) {
			guest_addr(&guests, numbers[i], family, &addr);
			assert_int_equal(guest_find(&guests, &addr), numbers[i]);
		}
	guest_addr(&guests, 100000, 4, &addr);
	assert_int_equal(guest_find(&guests, &addr), GUESTS_NONE);
	guest_addr(&guests, GUESTS_MAX + 10, 6, &addr);
	assert_int_equal(guest_find(&guests, &addr), GUESTS_NONE);
	guest_addr(&guests, 1, 6, &addr);
	addr.b[5] = 1;
	assert_int_equal(guest_find(&guests, &addr), GUESTS_NONE);
}

static void test_segment(void **state)
{
	static const uint8_t data[] = "some bytes, an odd number";
	struct segment in = {.seq = 0xfffffff0, .ack = 7, .flags = TCP_ACK, .data = data}, out;
	uint8_t frame[FRAME_MAX];
	size_t len;

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (in.len = 0; in.len < sizeof(data); in.len++) {
			guest_addr(&guests, 3, family, &in.from);
			guest_addr(&guests, 4, family, &in.to);
			in.from.port = 80;
			in.mss = in.len % 2 ? 1400 : 0;
			len = segment_write(&in, frame);
			assert_int_equal(segment_read(frame, len, true, &out), 0);
			assert_true(addr_equal(&in.from, &out.from) && addr_equal(&in.to, &out.to));
			assert_int_equal(out.seq, in.seq);
			assert_int_equal(out.from.port, 80);
			assert_int_equal(out.len, in.len);
			assert_memory_equal(out.data, data, in.len);
			for (size_t cut = 14; cut < len; cut++)
				assert_int_not_equal(segment_read(frame, cut, true, &out), 0);
			frame[len - 1] ^= 1;
			assert_int_equal(segment_read(frame, len, true, &out), -EBADMSG);
			assert_int_equal(segment_read(frame, len, false, &out), 0);
		}
}

static void test_neighbour(void **state)
{
	struct neighbour in = {.from_mac = {{2, 1}}, .target_mac = {{2, 1}}}, out;
	uint8_t frame[FRAME_MAX];
	size_t len;

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (int answer = 0; answer < 2; answer++) {
			in.answer = answer;
			guest_addr(&guests, 5, family, &in.target);
			guest_addr(&guests, 6, family, answer ? &in.to : &in.from);
			guest_addr(&guests, 5, family, answer ? &in.from : &in.to);
			len = neighbour_write(&in, frame);
			assert_int_equal(neighbour_read(frame, len, &out), 0);
			assert_int_equal(out.answer, answer);
			assert_true(addr_equal(&out.target, &in.target));
			assert_true(addr_equal(&out.from, &in.from));
			if (answer)
				assert_true(mac_equal(&out.target_mac, &in.target_mac));
			assert_int_not_equal(neighbour_read(frame, 30, &out), 0);
		}
}

static void test_response(void **state)
{
	static const struct {
		const char *text;
		unsigned int status;
		bool whole;
	} cases[] = {
		{"HTTP/1.1 511 N\r\nContent-Length: 3\r\n\r\nabc", 511, true},
		{"HTTP/1.1 200 OK\r\ncontent-LENGTH:\t0\r\n\r\n", 200, true},
		{"HTTP/1.1 511 N\r\nContent-Length: 3\r\n\r\nab", 511, false},
		{"HTTP/1.1 511 N\r\nContent-Length: 3\r\n\r\nabcd", 511, false},
		{"HTTP/1.1 511 N\r\n\r\nabc", 511, false},
		{"HTTP/1.1 511 N\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 511, false},
		{"HTTP/1.1 511 N\r\nContent-Length: 3x\r\n\r\nabc", 511, false},
		{"HTTP/1.1 511 N\r\nContent-Length: 3\r\n", 0, false},
		{"SSH-2.0-whatever and more\r\n\r\n", 0, false},
		{"", 0, false},
	};
	char buf[RESPONSE_HEAD_MAX];
	struct response r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t step = 1; step < 60; step += 7) {
			size_t len = strlen(cases[i].text);

			response_init(&r, buf, sizeof(buf));
			for (size_t at = 0; at < len; at += step)
				response_feed(&r, (const uint8_t *)cases[i].text + at,
					      len - at < step ? len - at : step);
			if (r.status != cases[i].status || response_is_whole(&r) != cases[i].whole)
				fail_msg("case %zu by %zu: %u", i, step, r.status);
		}
}

static void test_long_response(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
	uint8_t body[1000] = {0};
	char buf[RESPONSE_HEAD_MAX];
	struct response r;

	(void)state;
	response_init(&r, buf, sizeof(buf));
	response_feed(&r, (const uint8_t *)head, sizeof(head) - 1);
	for (int i = 0; i < 100; i++)
		response_feed(&r, body, sizeof(body));
	assert_true(response_is_whole(&r));
	response_init(&r, buf, sizeof(buf));
	for (int i = 0; i < 5; i++)
		response_feed(&r, body, sizeof(body));
	assert_true(r.bad);
}

static void test_token(void **state)
{
	static const struct {
		const char *body;
		const char *token; /* NULL: there is none */
	} cases[] = {
		{"<input type=\"hidden\" name=\"token\" value=\"a-Z_9\">", "a-Z_9"},
		{"<input type=\"hidden\" name=\"token\" value=\"\">", NULL},
		{"<input type=\"hidden\" name=\"token\" value=\"cut", NULL},
		{"<input type=\"hidden\" name=\"other\" value=\"x\">", NULL},
	};
	char buf[RESPONSE_HEAD_MAX], text[256], token[RESPONSE_TOKEN_MAX];
	struct response r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n\r\n%s", cases[i].body);

		response_init(&r, buf, sizeof(buf));
		response_feed(&r, (const uint8_t *)text, (size_t)n);
		assert_int_equal(response_token(&r, token), cases[i].token ? 0 : -ENOENT);
		if (cases[i].token)
			assert_string_equal(token, cases[i].token);
	}
}

static void test_latency(void **state)
{
	static struct latency l;

	(void)state;
	assert_int_equal(latency_percentile(&l, 0.5), 0);
	for (uint64_t i = 1; i <= 100000; i++)
		latency_add(&l, i * 1000);
	for (int percent = 1; percent <= 100; percent++) {
		double found = (double)latency_percentile(&l, percent / 100.0);

		assert_true(found >= percent * 1e6 && found <= percent * 1.016e6);
	}
	assert_int_equal(l.max, 100000000);
	latency_add(&l, UINT64_MAX);
	assert_int_equal(l.max, UINT64_MAX);
}

/* What the server sends, what comes of it, and what our side sends then. */
struct step {
	uint8_t flags;
	uint32_t seq, ack;
	const char *data;
	enum conn_event event;
	size_t sent;
	uint8_t sent_flags; /* of the last one */
	uint32_t sent_seq, sent_ack;
};

static const char whole[] = "HTTP/1.1 511 N\r\nContent-Length: 0\r\n\r\n";
enum { WHOLE = sizeof(whole) - 1, ISN = 100, REQUEST = 10, END = ISN + 1 + REQUEST };

static const struct step plain[] = {
	{TCP_SYN | TCP_ACK, 500, ISN + 1, "", CONN_NOTHING, 1, TCP_ACK | TCP_PSH, ISN + 1, 501},
	{TCP_ACK, 501, END, "", CONN_NOTHING, 0, 0, 0, 0},
	{TCP_ACK, 501, END, whole, CONN_NOTHING, 0, 0, 0, 0},
	{TCP_ACK | TCP_FIN, 501 + WHOLE, END, "", CONN_FINISHED, 1, TCP_ACK | TCP_FIN, END,
	 502 + WHOLE},
	{TCP_ACK | TCP_FIN, 501 + WHOLE, END, "", CONN_NOTHING, 1, TCP_ACK, END + 1, 502 + WHOLE},
	{TCP_ACK, 502 + WHOLE, END + 1, "", CONN_CLOSED, 0, 0, 0, 0},
	{0},
};
static const struct step disorder[] = {
	{TCP_SYN | TCP_ACK, 500, ISN, "", CONN_NOTHING, 1, TCP_RST, ISN, 0},
	{TCP_ACK, 500, ISN + 1, whole, CONN_NOTHING, 0, 0, 0, 0},
	{TCP_SYN | TCP_ACK, 500, ISN + 1, "", CONN_NOTHING, 1, TCP_ACK | TCP_PSH, ISN + 1, 501},
	{TCP_ACK | TCP_FIN, 501 + WHOLE, END, "", CONN_NOTHING, 1, TCP_ACK, END, 501},
	{TCP_ACK | TCP_FIN, 501, END, whole, CONN_FINISHED, 1, TCP_ACK | TCP_FIN, END, 502 + WHOLE},
	{TCP_RST, 502 + WHOLE, 0, "", CONN_RESET_LATE, 0, 0, 0, 0},
	{0},
};
static const struct step resets[] = {
	{TCP_RST, 0, 0, "", CONN_NOTHING, 0, 0, 0, 0},
	{TCP_RST | TCP_ACK, 0, ISN + 2, "", CONN_NOTHING, 0, 0, 0, 0},
	{TCP_RST | TCP_ACK, 0, ISN + 1, "", CONN_RESET, 0, 0, 0, 0},
	{0},
};

static void play(struct conn *c, const struct step *steps)
{
	for (const struct step *s = steps; s->flags; s++) {
		const struct segment in = {
			.flags = s->flags,
			.seq = s->seq,
			.ack = s->ack,
			.data = (const uint8_t *)s->data,
			.len = strlen(s->data),
		};
		struct segment out;

		frame_count = 0;
		assert_int_equal(conn_receive(c, NULL, &in, 2), s->event);
		assert_int_equal(frame_count, s->sent);
		if (s->sent == 0)
			continue;
		assert_int_equal(segment_read(frames[frame_count - 1], frame_lens[frame_count - 1],
					      true, &out),
				 0);
		assert_int_equal(out.flags, s->sent_flags);
		assert_int_equal(out.seq, s->sent_seq);
		assert_int_equal(out.ack, s->sent_ack);
	}
}

static void start(struct conn *c, char *buf)
{
	*c = (struct conn){
		.request = (const uint8_t *)"0123456789",
		.request_len = REQUEST,
		.give_up_at = 10000000000,
	};
	guest_addr(&guests, 1, 4, &c->local);
	guest_addr(&guests, 2, 4, &c->remote);
	response_init(&c->response, buf, RESPONSE_HEAD_MAX);
	frame_count = 0;
	conn_start(c, NULL, ISN, 1);
	assert_int_equal(frame_count, 1);
}

static void test_conn(void **state)
{
	static const struct {
		const struct step *steps;
		bool whole; /* the response, in the end */
	} scripts[] = {{plain, true}, {disorder, true}, {resets, false}};
	char buf[RESPONSE_HEAD_MAX];
	struct conn c;

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		start(&c, buf);
		play(&c, scripts[i].steps);
		assert_int_equal(response_is_whole(&c.response), scripts[i].whole);
	}
}

static void test_conn_times(void **state)
{
	static const uint64_t ms = 1000000;
	static const uint64_t syns[] = {1000, 3000, 7000};
	char buf[RESPONSE_HEAD_MAX];
	struct conn c;

	(void)state;
	start(&c, buf);
	for (size_t i = 0; i < sizeof(syns) / sizeof(*syns); i++) {
		frame_count = 0;
		conn_tick(&c, NULL, (syns[i] - 1) * ms);
		assert_int_equal(frame_count, 0);
		assert_int_equal(conn_tick(&c, NULL, syns[i] * ms + 1), CONN_NOTHING);
		assert_int_equal(frame_count, 1);
	}
	assert_int_equal(c.syns, 4);
	assert_int_equal(conn_tick(&c, NULL, 10000 * ms), CONN_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guests),	      cmocka_unit_test(test_segment),
		cmocka_unit_test(test_neighbour),     cmocka_unit_test(test_response),
		cmocka_unit_test(test_long_response), cmocka_unit_test(test_token),
		cmocka_unit_test(test_latency),	      cmocka_unit_test(test_conn),
		cmocka_unit_test(test_conn_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
