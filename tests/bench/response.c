// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads what a portal answers.  A response without Content-Length is never whole: with "read until
 * the end" a cut connection looks like a complete answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/response.h"

void response_init(struct response *r, char *buf, size_t room)
{
	*r = (struct response){.buf = buf, .room = room};
}

static void parse_field(struct response *r, const char *line, size_t len)
{
	static const char name[] = "content-length:";
	const char *end = line + len, *p = line + sizeof(name) - 1;

	if (len < sizeof(name) || strncasecmp(line, name, sizeof(name) - 1) != 0)
		return;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (r->has_length || p == end || end - p > 9) {
		r->bad = true;
		return;
	}
	for (; p < end; p++) {
		if (*p < '0' || *p > '9') {
			r->bad = true;
			return;
		}
		r->length = r->length * 10 + (uint64_t)(*p - '0');
	}
	r->has_length = true;
}

static void parse_head(struct response *r)
{
	static const char version[] = "HTTP/1.";
	const char *p = r->buf, *end = r->buf + r->head - 2, *eol;

	if (r->head < 16 || memcmp(p, version, sizeof(version) - 1) != 0 || p[8] != ' ') {
		r->bad = true;
		return;
	}
	for (size_t i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			r->bad = true;
		r->status = r->status * 10 + (unsigned int)(p[i] - '0');
	}
	for (; p < end; p = eol + 2) {
		eol = memmem(p, (size_t)(r->buf + r->head - p), "\r\n", 2);
		if (!eol)
			break;
		parse_field(r, p, (size_t)(eol - p));
	}
}

void response_feed(struct response *r, const uint8_t *data, size_t len)
{
	size_t room = r->room - r->kept, kept = len < room ? len : room;
	size_t from = r->kept > 3 ? r->kept - 3 : 0;
	const char *end;

	memcpy(r->buf + r->kept, data, kept);
	r->kept += kept;
	if (r->head == 0) {
		end = memmem(r->buf + from, r->kept - from, "\r\n\r\n", 4);
		if (!end) {
			r->bad |= r->kept >= RESPONSE_HEAD_MAX;
			return;
		}
		r->head = (size_t)(end - r->buf) + 4;
		parse_head(r);
		r->seen = r->kept - r->head + (len - kept);
	} else {
		r->seen += len;
	}
	if (r->has_length && r->seen > r->length)
		r->bad = true;
}

bool response_is_whole(const struct response *r)
{
	return !r->bad && r->head > 0 && r->has_length && r->seen == r->length;
}

int response_token(const struct response *r, char ret_token[static RESPONSE_TOKEN_MAX])
{
	static const char field[] = "name=\"token\" value=\"";
	const char *end = r->buf + r->kept, *close;
	const char *p = memmem(r->buf + r->head, r->kept - r->head, field, sizeof(field) - 1);

	if (!p)
		return -ENOENT;
	p += sizeof(field) - 1;
	close = memchr(p, '"', (size_t)(end - p));
	if (!close || close == p || close - p >= RESPONSE_TOKEN_MAX)
		return -ENOENT;
	memcpy(ret_token, p, (size_t)(close - p));
	ret_token[close - p] = '\0';
	return 0;
}
