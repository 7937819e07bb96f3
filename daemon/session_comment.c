/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/session_limits.h"
#include "daemon/session_comment.h"

/* Before the limits, so that it is never what is lost. */
#define BOOTED " booted=%" PRIu64

void session_comment(char comment[static COMMENT_MAX], uint64_t started, enum session_how how,
		     uint64_t booted_ms, const struct limits *limits, const char *note)
{
	int at = snprintf(comment, COMMENT_MAX, "%" PRIu64 " %s", started, session_how_name(how));

	if (booted_ms)
		at += snprintf(comment + at, COMMENT_MAX - (size_t)at, BOOTED, booted_ms);
	for (size_t i = 0; i < SESSION_LIMITS && at < COMMENT_MAX; i++) {
		if (limit_value(limits, i))
			at += snprintf(comment + at, COMMENT_MAX - (size_t)at, " %s=%" PRIu64,
				       limit_fields[i].name, limit_value(limits, i));
	}
	if (*note && at < COMMENT_MAX)
		snprintf(comment + at, COMMENT_MAX - (size_t)at, " ; %s", note);
}

/* "rate-up=20000": false if the text does not begin so. */
static bool take_limit(struct limits *limits, const char *text, int *ret_len)
{
	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		const size_t n = strlen(limit_fields[i].name);
		int len = 0;

		if (strncmp(text, limit_fields[i].name, n) == 0 &&
		    sscanf(text + n, "=%" SCNu64 "%n", limit_at(limits, i), &len) == 1) {
			*ret_len = (int)n + len;
			return true;
		}
	}
	return false;
}

void session_parse_comment(struct session *s, const char *comment)
{
	char how[16] = "";
	int at = 0, len = 0;
	uint64_t started;

	s->started = now_unix();
	s->how = HOW_GRANT;
	s->note[0] = '\0';
	s->limits = (struct limits){0};
	s->booted_ms = 0;
	if (sscanf(comment, "%" SCNu64 " %15s %n", &started, how, &at) < 2)
		return;
	if (started < s->started)
		s->started = started;
	if (strcmp(how, session_how_name(HOW_LOGIN)) == 0)
		s->how = HOW_LOGIN;
	comment += at;
	if (at > 0 && sscanf(comment, "booted=%" SCNu64 " %n", &s->booted_ms, &len) == 1)
		comment += len;
	for (; at > 0 && take_limit(&s->limits, comment, &len);)
		comment += len + (comment[len] == ' ');
	if (at > 0 && strncmp(comment, "; ", 2) == 0)
		snprintf(s->note, sizeof(s->note), "%s", comment + 2);
}
