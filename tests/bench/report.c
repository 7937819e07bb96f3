// SPDX-License-Identifier: GPL-2.0-or-later
/* One table of names and values, printed in either form.  Times are milliseconds. */
#include <inttypes.h>
#include <stdio.h>

#include "tests/bench/report.h"

struct line {
	const char *name;
	double value;
	int digits;
};

static double milliseconds(const struct latency *latency, double share)
{
	return (double)latency_percentile(latency, share) / 1e6;
}

static void print_lines(const struct line *lines, size_t count, bool json)
{
	for (size_t i = 0; i < count; i++) {
		const struct line *l = &lines[i];

		if (json)
			printf("%s\"%s\": %.*f", i ? ", " : "", l->name, l->digits, l->value);
		else if (i < 8 || l->value > 0)
			printf("%-18s %14.*f\n", l->name, l->digits, l->value);
	}
}

/* The sample holds printable ASCII only. */
static void print_sample(const char *text, bool json)
{
	if (!json) {
		if (*text)
			printf("%-18s %s\n", "first wrong answer", text);
		return;
	}
	printf(", \"first_wrong\": \"");
	for (; *text; text++)
		printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	putchar('"');
}

void report_print(const struct report *r)
{
	const struct client_counts *c = &r->client->counts;
	const struct latency *latency = &r->client->latency;
	double seconds = r->seconds > 0 ? r->seconds : 1, right = (double)c->right;
	double done = c->right ? right : 1;
	const struct line lines[] = {
		{"begun", (double)c->begun, 0},
		{"right", right, 0},
		{"wrong", (double)c->wrong, 0},
		{"reset", (double)c->reset, 0},
		{"timeout", (double)c->timeout, 0},
		{"seconds", r->seconds, 3},
		{"rate", right / seconds, 1},
		{"answer_bytes", (double)c->answer_bytes, 0},
		{"cpu_seconds", r->cpu, 3},
		{"cpu_us_each", r->cpu * 1e6 / done, 2},
		{"p50_ms", milliseconds(latency, 0.5), 3},
		{"p90_ms", milliseconds(latency, 0.9), 3},
		{"p99_ms", milliseconds(latency, 0.99), 3},
		{"max_ms", (double)latency->max / 1e6, 3},
		{"tries_1", (double)c->tries[0], 0},
		{"tries_2", (double)c->tries[1], 0},
		{"tries_3", (double)c->tries[2], 0},
		{"tries_more", (double)c->tries[3], 0},
		{"resent", (double)c->resent, 0},
		{"out_of_order", (double)c->out_of_order, 0},
		{"unclosed", (double)c->unclosed, 0},
		{"reset_late", (double)c->reset_late, 0},
		{"held_back", (double)c->held_back, 0},
		{"strays", (double)c->strays, 0},
		{"flood_sent", (double)r->flood->sent, 0},
		{"flood_rate", (double)r->flood->sent / seconds, 0},
		{"flood_answers", (double)r->flood->answers, 0},
		{"flood_bytes_sent", (double)r->flood->bytes_sent, 0},
		{"flood_bytes_answered", (double)r->flood->bytes_answered, 0},
		{"frames_sent", (double)r->wire.sent, 0},
		{"frames_unsent", (double)r->wire.unsent, 0},
		{"frames_received", (double)r->wire.received, 0},
		{"frames_truncated", (double)r->wire.truncated, 0},
		{"frames_missed", (double)r->wire.missed, 0},
		{"frames_bad", (double)r->bad_frames, 0},
	};

	if (r->options->json)
		putchar('{');
	print_lines(lines, sizeof(lines) / sizeof(*lines), r->options->json);
	print_sample(r->client->wrong, r->options->json);
	if (r->options->json)
		puts("}");
}
