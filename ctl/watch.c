/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch: a line for each event, until Ctrl-C. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/duration.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

enum { EVENT_COLUMNS = 7, ZONE_COLUMNS = 12 };

/* Lines are flushed one by one, so nothing is lost here. */
static void on_interrupt(int signal_number)
{
	(void)signal_number;
	_exit(STATUS_DONE);
}

static enum colour event_colour(const char *event)
{
	static const struct {
		const char *event;
		enum colour colour;
	} colours[] = {
		{"login", COLOUR_GREEN},   {"grant", COLOUR_GREEN},   {"extend", COLOUR_GREEN},
		{"logout", COLOUR_YELLOW}, {"expiry", COLOUR_YELLOW}, {"quota", COLOUR_YELLOW},
		{"idle", COLOUR_YELLOW},   {"revoke", COLOUR_RED},    {"block", COLOUR_RED},
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
		if (strcmp(colours[i].event, event) == 0)
			return colours[i].colour;
	}
	return COLOUR_NONE;
}

static void print_padded(enum colour colour, const char *text, unsigned int columns)
{
	CLEANUP(cleanup_free) char *clean = output_clean(text, 0);
	const unsigned int width = output_width(clean);

	output_coloured(stdout, colour, clean);
	printf("%*s  ", width < columns ? (int)(columns - width) : 0, "");
}

/* "14:03:07  login    guest         02:00:5e:10:00:01  8h  note" */
static int print_event(json_t *json)
{
	const char *event, *zone, *mac, *note = "";
	char when[32] = "?", duration[DURATION_TEXT_MAX];
	json_int_t seconds = -1;
	struct tm tm;
	double at;

	if (json_unpack(json, "{s:s, s:F, s:s, s:s, s?I, s?s}", "event", &event, "time", &at,
			"zone", &zone, "mac", &mac, "seconds", &seconds, "note", &note) < 0 ||
	    at < 0 || at > 1e12)
		return -EBADMSG;
	const time_t seconds_at = (time_t)at;

	if (localtime_r(&seconds_at, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	print_padded(COLOUR_NONE, when, 0);
	print_padded(event_colour(event), event, EVENT_COLUMNS);
	print_padded(COLOUR_NONE, zone, ZONE_COLUMNS);

	CLEANUP(cleanup_free)
	char *clean_mac = output_clean(mac, 0), *clean_note = output_clean(note, 0);

	fputs(clean_mac, stdout);
	if (seconds >= 0)
		printf("  for %s", duration_format((uint64_t)seconds, duration));
	printf("%s%s\n", *clean_note ? "  " : "", clean_note);
	return 0;
}

static enum status run_watch(struct ctl *ctl)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	CLEANUP(cleanup_json) json_t *answer = NULL;
	enum status status = ctl_ask(ctl, json_pack("{s:s}", "verb", "watch"), &answer);

	if (status != STATUS_DONE)
		return status;
	if (!json_is_true(json_object_get(answer, "watching")))
		return ctl_nonsense("no watch");
	sigaction(SIGINT, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (isatty(STDERR_FILENO) && isatty(STDOUT_FILENO))
		fputs("watching; Ctrl-C ends\n", stderr);
	client_wait_for_ever(ctl->client);
	for (;;) {
		CLEANUP(cleanup_json) json_t *event = NULL;

		status = ctl_next(ctl, &event);
		if (status != STATUS_DONE)
			return status;
		if (ctl->json)
			ctl_print_json(event);
		else if (print_event(event) < 0)
			return ctl_nonsense("an event");
	}
}

const struct command command_watch = {
	.name = "watch",
	.usage = "",
	.summary = "follow logins, logouts, expiries, grants and revokes",
	.help = "Prints a line for each event, as it happens, until Ctrl-C or the gateway's end.\n\n"
		"examples:\n"
		"  portalctl watch\n"
		"  portalctl watch --json | jq --unbuffered -r 'select(.event == \"login\") | .mac'\n",
	.run = run_watch,
};
