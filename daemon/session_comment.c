/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/session_limits.h"
#include "common/text.h"
#include "daemon/session_comment.h"

/* In the order of limit_fields; those are read as well, as an earlier version wrote them. */
static const char *const short_names[SESSION_LIMITS] = {"i", "qu", "qd", "qt", "ru", "rd"};

/* In place of what does not fit. */
static const char left_out[] = " +";
static const char note_mark[] = " ; ";
enum { CHARACTER_MAX = 4 /* bytes */ };

/* " qu=20000", whole, with room for left_out after it; false: it does not fit. */
static bool add(char comment[static COMMENT_MAX], const char *name, uint64_t value)
{
	const size_t at = strlen(comment), room = COMMENT_MAX - at - strlen(left_out);
	int len = snprintf(comment + at, room, " %s=%" PRIu64, name, value);

	if ((size_t)len < room)
		return true;
	strcpy(comment + at, left_out);
	return false;
}

void session_comment(char comment[static COMMENT_MAX], uint64_t started, enum session_how how,
		     uint64_t booted_ms, uint64_t length_ms, const struct limits *limits,
		     const char *note)
{
	snprintf(comment, COMMENT_MAX, "%" PRIu64 " %s", started, session_how_name(how));
	if (booted_ms)
		add(comment, "b", booted_ms);
	if (length_ms)
		add(comment, "l", length_ms);
	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		if (limit_value(limits, i) && !add(comment, short_names[i], limit_value(limits, i)))
			return;
	}
	const size_t at = strlen(comment);

	if (*note && at + strlen(note_mark) < COMMENT_MAX) {
		strcpy(comment + at, note_mark);
		text_copy(comment + at + strlen(note_mark), COMMENT_MAX - at - strlen(note_mark),
			  note);
	}
}

/* "ru=20000": false if the text does not begin so. */
static bool take_value(const char *name, const char **text, uint64_t *ret_value)
{
	const size_t n = strlen(name);
	int len = 0;

	if (strncmp(*text, name, n) != 0 ||
	    sscanf(*text + n, "=%" SCNu64 "%n", ret_value, &len) != 1)
		return false;
	*text += n + (size_t)len;
	*text += **text == ' ';
	return true;
}

static bool take_limit(struct limits *limits, const char **text)
{
	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		if (take_value(short_names[i], text, limit_at(limits, i)) ||
		    take_value(limit_fields[i].name, text, limit_at(limits, i)))
			return true;
	}
	return false;
}

void session_parse_comment(struct session *s, const char *comment)
{
	const bool full = strlen(comment) > COMMENT_MAX - 1 - CHARACTER_MAX;
	char how[16] = "";
	int at = 0;
	uint64_t started;

	s->started = now_unix();
	s->how = HOW_GRANT;
	s->note[0] = '\0';
	s->limits = (struct limits){0};
	s->booted_ms = s->length_ms = 0;
	s->told = s->note_cut = false;
	if (sscanf(comment, "%" SCNu64 " %15s%n", &started, how, &at) < 2)
		return;
	if (started < s->started)
		s->started = started;
	if (strcmp(how, session_how_name(HOW_LOGIN)) == 0)
		s->how = HOW_LOGIN;
	else if (strcmp(how, session_how_name(HOW_GRANT)) != 0)
		return;
	comment += at;
	comment += *comment == ' ';
	if (!take_value("b", &comment, &s->booted_ms))
		take_value("booted", &comment, &s->booted_ms);
	take_value("l", &comment, &s->length_ms);
	while (take_limit(&s->limits, &comment))
		;
	if (strncmp(comment, "; ", 2) == 0) {
		text_copy(s->note, sizeof(s->note), comment + 2);
		s->told = true;
		s->note_cut = full;
	} else {
		s->told = *comment == '\0' && !full;
	}
}
