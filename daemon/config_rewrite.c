/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands between the file and libConfuse's scanner, which expands ${VARIABLES}, swallows
 * characters that it does not know, counts lines wrongly after a C comment, reads past the end
 * of an empty one, and lets a section end with the file.  The text that leaves here has each word
 * as a double-quoted string with '"', '\' and '$' escaped, the signs = { } and newlines, and
 * nothing else.
 * It begins with the first word: a byte order mark would be part of that.
 *
 * Words end at blanks, quotes, = { } and '#'.  Comments: # and // (where a word could begin) to the
 * end of the line, and those of C.  A string ends on its line; in "..." \" and \\ stand for
 * themselves, in '...' nothing is special.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/config_private.h"

struct rewrite {
	struct config_load *l;
	const char *at, *end;
	FILE *to;
	unsigned int depth;
	bool value_due;	 /* after '=' */
	bool bare_value; /* a value without quotation marks stands before this on the line */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void put_escaped(struct rewrite *r, char c)
{
	if (c == '"' || c == '\\' || c == '$')
		fputc('\\', r->to);
	fputc(c, r->to);
}

/* A character of a word or string; '|' leads libConfuse from one section into another, so no key
 * may have it. */
static int put_character(struct rewrite *r, char c)
{
	if ((unsigned char)c < 0x20 || c == 0x7f)
		return config_complain(r->l, "a control character; remove it");
	if (c == '|' && !r->value_due)
		return config_complain(r->l, "a '|' cannot stand here; only a value may have one");
	put_escaped(r, c);
	return 0;
}

static int rewrite_string(struct rewrite *r)
{
	const char quote = *r->at++;

	fputc('"', r->to);
	for (; r->at < r->end && *r->at != quote && *r->at != '\n'; r->at++) {
		if (quote == '"' && *r->at == '\\') {
			r->at++;
			if (r->at == r->end || (*r->at != '"' && *r->at != '\\'))
				return config_complain(
					r->l, "a backslash; in a string write \\\\ for it and "
					      "\\\" for a quotation mark");
		}
		if (put_character(r, *r->at) < 0)
			return -EINVAL;
	}
	if (r->at == r->end || *r->at != quote)
		return config_complain(
			r->l, "the closing %c of a string is missing; a string ends on its line",
			quote);
	r->at++;
	fputs("\" ", r->to);
	r->value_due = false;
	return 0;
}

/* The bytes of a word, or of a string with its quotation marks, at r->at. */
static size_t length(const struct rewrite *r)
{
	const char quote = *r->at == '"' || *r->at == '\'' ? *r->at : '\0';
	const char *p = r->at + (quote != '\0');

	while (p < r->end && *p && *p != '\n' &&
	       (quote ? *p != quote : !is_blank(*p) && !strchr("\"'={}#", *p)))
		p++;
	return (size_t)(p - r->at) + (quote && p < r->end && *p == quote);
}

/* Of a word or string behind a bare value: whether a key or a zone begins with it. */
static bool begins_anew(const struct rewrite *r)
{
	const size_t len = length(r);
	const char *p = r->at + len;

	while (p < r->end && (is_blank(*p) || *p == '\n'))
		p++;
	return (p < r->end && *p == '=') ||
	       (r->depth == 0 && len == strlen("zone") && memcmp(r->at, "zone", len) == 0);
}

static int rewrite_word(struct rewrite *r)
{
	r->bare_value = r->value_due;
	fputc('"', r->to);
	for (; r->at < r->end && !is_blank(*r->at) && *r->at && !strchr("\n\"'={}#", *r->at);
	     r->at++) {
		if (*r->at == '$' && r->end - r->at > 1 && r->at[1] == '{')
			return config_complain(r->l,
					       "variables of the environment are not known here; "
					       "write the value itself");
		if (put_character(r, *r->at) < 0)
			return -EINVAL;
	}
	if (r->at < r->end && *r->at == '\0')
		return config_complain(r->l, "a zero byte; this is no text file");
	fputs("\" ", r->to);
	r->value_due = false;
	return 0;
}

/* Steps over a comment, if one begins here. */
static int skip_comment(struct rewrite *r)
{
	const size_t left = (size_t)(r->end - r->at);

	if (*r->at == '#' || (left > 1 && r->at[0] == '/' && r->at[1] == '/')) {
		const char *newline = memchr(r->at, '\n', left);

		r->at = newline ? newline : r->end;
	} else if (left > 1 && r->at[0] == '/' && r->at[1] == '*') {
		const char *close = memmem(r->at + 2, left - 2, "*/", 2);

		if (!close)
			return config_complain(r->l, "this comment has no end; close it with */");
		for (; r->at < close + 2; r->at++) {
			if (*r->at == '\n') {
				fputc('\n', r->to);
				r->l->line++;
			}
		}
	}
	return 0;
}

static int rewrite_sign(struct rewrite *r)
{
	const char c = *r->at++;

	if (c == '{' && r->depth++ == 0 && r->l->zone_lines_count <= ZONES_MAX)
		r->l->zone_lines[r->l->zone_lines_count++] = r->l->line;
	if (c == '}' && r->depth > 0)
		r->depth--;
	if (c == '\n') {
		if (r->value_due)
			return config_complain(
				r->l, "a value is missing after '='; one with a # in it needs "
				      "quotation marks");
		r->l->line++;
	}
	r->value_due = c == '=';
	r->bare_value = false;
	fputc(c, r->to);
	return 0;
}

static int rewrite_next(struct rewrite *r)
{
	const char *before = r->at;
	int e = skip_comment(r);

	if (e < 0 || r->at > before)
		return e;
	if (is_blank(*r->at)) {
		r->at++;
		return 0;
	}
	if (*r->at && strchr("\n={}", *r->at))
		return rewrite_sign(r);
	if (r->bare_value && !begins_anew(r))
		return config_complain(
			r->l,
			"the value ends before %.*s; put quotation marks around a "
			"value with blanks, or write the next key on a line of its own",
			(int)length(r), r->at);
	if (*r->at == '"' || *r->at == '\'')
		return rewrite_string(r);
	return rewrite_word(r);
}

/* What editors of other systems put in front of a text. */
static int check_mark(struct config_load *l, const char *text, size_t len)
{
	static const struct {
		const char *bytes, *encoding;
	} marks[] = {{"\xef\xbb\xbf", "UTF-8"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"}};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const size_t size = strlen(marks[i].bytes);

		if (len >= size && memcmp(text, marks[i].bytes, size) == 0)
			return config_complain(
				l,
				"the file begins with a byte order mark of %s; save it as "
				"UTF-8 without one (BOM)",
				marks[i].encoding);
	}
	return 0;
}

int config_rewrite(struct config_load *l, const char *text, size_t len, char **ret_text)
{
	CLEANUP(cleanup_free) char *rewritten = NULL;
	size_t size = 0;
	struct rewrite r = {
		.l = l, .at = text, .end = text + len, .to = open_memstream(&rewritten, &size)};
	int e = 0;

	if (!r.to)
		return -ENOMEM;
	l->line = 1;
	e = check_mark(l, text, len);
	while (e == 0 && r.at < r.end)
		e = rewrite_next(&r);
	if (e == 0 && r.depth > 0) { /* libConfuse would not mind */
		l->line = l->zone_lines[l->zone_lines_count - 1];
		e = config_complain(l, "the { of this line is never closed; add the }");
	}
	fputc('\n', r.to);
	if (fclose(r.to) != 0)
		return -ENOMEM;
	if (e == 0)
		*ret_text = steal_ptr(&rewritten);
	return e;
}
