/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs tests/unit/responder.script: what goes in, what must come out.  Its head explains it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "portal/responder.h"
#include "tests/unit/fake_packet.h"

enum { LINE_SIZE = 512 };

static const uint32_t guest_isn = 0xfffffff0; /* so that numbers wrap */

static const struct mac guest_mac = {{2, 0, 0x5e, 0x10, 0, 1}};
static const struct responder_zone zones[] = {
	{.mac = {{2, 0, 0x5e, 0x10, 0, 0xfe}}, .mtu = 1500},
	{.mac = {{2, 0, 0x5e, 0x10, 0, 0xfe}}, .mtu = 9000, .vlan = 0x2007},
	{.mac = {{2, 0, 0x5e, 0x10, 0, 0xfe}}, .mtu = 1300},
};

/* A script on its way, for one family. */
struct play {
	struct mac mac; /* that sent last */
	bool ip6;
	size_t zone;
	int line;
	struct responder responder;
	uint64_t now;
	uint32_t isn; /* ours */
	int answer;   /* bytes of an answer, negative: none */
	char asked[2 * LINE_SIZE];
	uint8_t out[RESPONDER_FRAMES_MAX][FRAME_MAX];
	struct responder_frames frames;
	size_t read; /* of the frames */
	enum responder_outcome outcome;
	struct fake_tcp sent;
	size_t sent_len;
	uint8_t data[FAKE_PACKET_MAX];
};

static uint8_t pattern(size_t i)
{
	return (uint8_t)('A' + i % 251 % 26);
}

#define check(p, condition)                                                                        \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("responder.script:%d (%s): %s", (p)->line,                        \
				 (p)->ip6 ? "IPv6" : "IPv4", #condition);                          \
	} while (0)

static int make_answer(void *ctx, const struct responder_request *req, char *buf, size_t size)
{
	struct play *p = ctx;

	check(p, req->zone == p->zone && req->family == (p->ip6 ? 6 : 4));
	snprintf(p->asked, sizeof(p->asked), "%s %s %s", req->method,
		 *req->target ? req->target : "-", req->host ? req->host : "-");
	check(p, p->answer <= (int)size);
	for (int i = 0; i < p->answer; i++)
		buf[i] = (char)pattern((size_t)i);
	return p->answer;
}

/* Terms joined by '+': a number, MSS, FIRST, or a number before MSS ("2MSS") */
static uint32_t number(const struct play *p, const char *text)
{
	const uint32_t mss = (p->zone == 2 ? 1300 : 1500) - (p->ip6 ? 60 : 40);
	uint32_t total = 0;

	for (;;) {
		char *end;
		uint32_t n = (uint32_t)strtoul(text, &end, 10);

		if (strncmp(end, "MSS", 3) == 0) {
			n = (end == text ? 1 : n) * mss;
			end += 3;
		} else if (strncmp(end, "FIRST", 5) == 0) {
			n = 2 * mss;
			end += 5;
		}
		total += n;
		if (*end != '+') {
			check(p, *end == '\0');
			return total;
		}
		text = end + 1;
	}
}

static uint8_t parse_flags(const struct play *p, const char *text)
{
	static const char letters[] = "FSRP.U";
	uint8_t flags = 0;

	for (; *text && *text != '-'; text++) {
		check(p, strchr(letters, *text));
		flags |= (uint8_t)(1 << (strchr(letters, *text) - letters));
	}
	return flags;
}

/* "text" with C's escapes for CR, LF, NUL and \xHH */
static size_t parse_text(struct play *p, const char *text)
{
	size_t n = 0;

	check(p, *text == '"');
	for (text++; *text && *text != '"'; text++) {
		unsigned int byte = (unsigned char)*text;

		if (*text == '\\') {
			text++;
			byte = *text == 'r' ? '\r' : *text == 'n' ? '\n' : 0;
			if (*text == 'x') {
				check(p, sscanf(text + 1, "%2x", &byte) == 1);
				text += 2;
			}
		}
		p->data[n++] = (uint8_t)byte;
	}
	return n;
}

/* What stands behind `name` in the line, NULL if it does not */
static const char *word(const char *line, const char *name, char ret_word[static LINE_SIZE])
{
	const char *at = strstr(line, name);
	const char *quote = strchr(line, '"');

	if (!at || (quote && quote < at))
		return NULL;
	at += strlen(name);
	return sscanf(at, "%s", ret_word) == 1 ? ret_word : NULL;
}

static struct fake_tcp parse_segment(struct play *p, const char *line)
{
	char flags[LINE_SIZE], seq[LINE_SIZE], value[LINE_SIZE];
	struct fake_tcp t = {.ip6 = p->ip6, .src_port = 40000, .dst_port = 80, .window = 64240};

	check(p, sscanf(line + 1, "%s %s", flags, seq) == 2);
	t.src[0] = p->ip6 ? 0x20 : 192;
	t.dst[0] = p->ip6 ? 0x20 : 198;
	t.src[3] = 10;
	t.dst[3] = 11;
	t.flags = parse_flags(p, flags);
	t.seq = guest_isn + number(p, seq);
	if (word(line, " ack ", value))
		t.ack = p->isn + number(p, value);
	if (word(line, " win ", value))
		t.window = (uint16_t)number(p, value);
	if (word(line, " mss ", value))
		t.mss = (uint16_t)number(p, value);
	if (word(line, " port ", value))
		t.src_port = (uint16_t)number(p, value);
	t.data = p->data;
	if (word(line, " fill ", value)) {
		t.len = number(p, value);
		memset(p->data, 'c', t.len);
	} else if (strchr(line, '"')) {
		t.len = parse_text(p, strchr(line, '"'));
	}
	if (word(line, " pad ", value)) {
		memset(p->data + t.len, 'p', number(p, value) - t.len);
		t.len = number(p, value);
	}
	return t;
}

static void check_all_read(const struct play *p)
{
	check(p, p->read == p->frames.count);
}

static void on_in(struct play *p, const char *line)
{
	uint8_t packet[FAKE_PACKET_MAX];
	char value[LINE_SIZE];
	struct responder_packet in = {.data = packet, .mac = guest_mac, .zone = p->zone};

	check_all_read(p);
	p->sent = parse_segment(p, line);
	in.len = p->sent_len = fake_write(&p->sent, packet);
	if (word(line, " mac ", value)) {
		in.mac.b[0] = (uint8_t)(number(p, value) >> 8);
		in.mac.b[5] = (uint8_t)number(p, value);
	}
	p->mac = in.mac;
	p->frames.room = RESPONDER_FRAMES_MAX;
	if (word(line, " room ", value))
		p->frames.room = number(p, value);
	p->read = 0;
	p->asked[0] = '\0';
	p->outcome = responder_handle(&p->responder, &in, p->now, &p->frames);
}

static const uint8_t *check_ethernet(struct play *p, const uint8_t *frame)
{
	static const uint8_t tag[4] = {0x81, 0x00, 0x20, 0x07};
	static const uint8_t types[2][2] = {{0x08, 0x00}, {0x86, 0xdd}};

	check(p, memcmp(frame, p->mac.b, MAC_LEN) == 0);
	check(p, memcmp(frame + MAC_LEN, zones[p->zone].mac.b, MAC_LEN) == 0);
	frame += 2 * MAC_LEN;
	if (p->zone == 1) {
		check(p, memcmp(frame, tag, sizeof(tag)) == 0);
		frame += sizeof(tag);
	}
	check(p, memcmp(frame, types[p->ip6], 2) == 0);
	return frame + 2;
}

/* "> FLAGS SEQ ack N [win N] [mss N] [len N]" */
static void on_out(struct play *p, const char *line)
{
	char flags[LINE_SIZE], seq[LINE_SIZE], value[LINE_SIZE];
	struct fake_tcp t;

	check(p, p->read < p->frames.count);
	const uint8_t *packet = check_ethernet(p, p->frames.at[p->read]);
	const size_t len = p->frames.len[p->read] - (size_t)(packet - p->frames.at[p->read]);
	const char *wrong = fake_read(packet, len, &t);

	check(p, !wrong);
	p->read++;
	check(p, sscanf(line + 1, "%s %s", flags, seq) == 2);
	check(p, t.flags == parse_flags(p, flags));
	check(p, memcmp(t.src, p->sent.dst, 16) == 0 && memcmp(t.dst, p->sent.src, 16) == 0);
	check(p, t.src_port == p->sent.dst_port && t.dst_port == p->sent.src_port);
	if (t.flags & 2) {
		p->isn = t.seq;
		check(p, len <= p->sent_len);
	}
	const uint32_t at = number(p, seq);

	check(p, t.seq - p->isn == at);
	if (t.flags == 4) { /* a bare reset */
		check(p, t.ack == 0 && t.len == 0 && len <= p->sent_len);
		return;
	}
	check(p, word(line, " ack ", value));
	check(p, t.ack - guest_isn == number(p, value));
	check(p, t.window == (word(line, " win ", value) ? number(p, value) : 65535));
	check(p, t.mss == (word(line, " mss ", value) ? number(p, value) : 0));
	check(p, t.len == (word(line, " len ", value) ? number(p, value) : 0));
	for (size_t i = 0; i < t.len; i++)
		check(p, t.data[i] == pattern(at - 1 + i));
}

static void on_rotate(struct play *p, const char *line)
{
	static uint8_t key[COOKIE_KEY_LEN];

	(void)line;
	key[0]++;
	cookie_rotate(&p->responder.keys, key, p->now);
}

static void on_zone(struct play *p, const char *line)
{
	p->zone = number(p, line + strlen("zone "));
}

static void on_clock(struct play *p, const char *line)
{
	p->now += number(p, line + strlen("clock +"));
}

static void on_answer(struct play *p, const char *line)
{
	p->answer = atoi(line + strlen("answer "));
}

static void on_asked(struct play *p, const char *line)
{
	if (strcmp(p->asked, line + strlen("asked ")) != 0)
		fail_msg("responder.script:%d: asked %s", p->line, p->asked);
}

static void on_is(struct play *p, const char *line)
{
	const char *name = responder_outcome_names[p->outcome];

	if (strcmp(name, line + strlen("is ")) != 0)
		fail_msg("responder.script:%d: it is %s", p->line, name);
}

static const struct {
	const char *name;
	void (*run)(struct play *p, const char *line);
} verbs[] = {
	{"< ", on_in},		{"> ", on_out},	      {"is ", on_is},	     {"clock +", on_clock},
	{"answer ", on_answer}, {"asked ", on_asked}, {"rotate", on_rotate}, {"zone ", on_zone},
};

static void start(struct play *p)
{
	static const uint8_t key[COOKIE_KEY_LEN] = "sixteen bytes !";

	check_all_read(p);
	*p = (struct play){
		.ip6 = p->ip6,
		.line = p->line,
		.now = 1001, /* the second half of a slot */
		.answer = 100,
		.responder = {.zones = zones, .zone_count = 3, .answer = make_answer, .ctx = p},
	};
	cookie_init(&p->responder.keys, key, p->now);
	for (size_t i = 0; i < RESPONDER_FRAMES_MAX; i++)
		p->frames.at[i] = p->out[i];
}

static int run_line(struct play *p, const char *line)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strncmp(line, verbs[i].name, strlen(verbs[i].name)) == 0) {
			verbs[i].run(p, line);
			return 0;
		}
	}
	return -1;
}

static void run_script(bool ip6)
{
	static struct play play;
	struct play *p = &play;
	char path[4096], line[LINE_SIZE];
	size_t cases = 0;

	snprintf(path, sizeof(path), "%s/responder.script", getenv("PORTALD_TESTDATA"));
	CLEANUP(cleanup_fclose) FILE *file = fopen(path, "r");

	assert_non_null(file);
	*p = (struct play){.ip6 = ip6};
	while (fgets(line, sizeof(line), file)) {
		p->line++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (line[0] == '=') {
			start(p);
			cases++;
			continue;
		}
		if (run_line(p, line) < 0)
			fail_msg("responder.script:%d: what is this?", p->line);
	}
	check_all_read(p);
	assert_true(cases > 30);
}

static void test_script(void **state)
{
	run_script(*(const bool *)*state);
}

int main(void)
{
	static bool families[2] = {false, true};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_script, &families[0]),
		cmocka_unit_test_prestate(test_script, &families[1]),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
