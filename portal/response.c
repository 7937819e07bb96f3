/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/response.h"

static const struct {
	unsigned int status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{302, "Found"},
	{303, "See Other"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{413, "Content Too Large"},
	{421, "Misdirected Request"},
	{503, "Service Unavailable"},
	{511, "Network Authentication Required"},
};

static const char *reason_of(unsigned int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "";
}

/* IMF-fixdate, RFC 9110, 5.6.7; strftime() would follow the locale. */
static void add_date(struct response *r, time_t now)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return;
	response_addf(r, "Date", "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
		      tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		      tm.tm_sec);
}

void response_init(struct response *r, unsigned int status, bool close, time_t now)
{
	response_finish(r);
	r->status = status;
	r->reason = reason_of(status);
	if (close)
		response_add(r, "Connection", "close");
	add_date(r, now);
}

void response_finish(struct response *r)
{
	free(r->body);
	r->body = NULL;
	r->body_len = 0;
	r->header_count = 0;
	r->text_len = 0;
}

void response_add(struct response *r, const char *name, const char *value)
{
	assert(r->header_count < RESPONSE_HEADERS_MAX);
	r->headers[r->header_count++] = (struct response_header){name, value};
}

int response_addf(struct response *r, const char *name, const char *fmt, ...)
{
	char *at = r->text + r->text_len;
	size_t room = sizeof(r->text) - r->text_len;
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(at, room, fmt, args);

	va_end(args);
	if (len < 0 || (size_t)len >= room)
		return -E2BIG;
	r->text_len += (size_t)len + 1;
	response_add(r, name, at);
	return 0;
}

void response_set_body(struct response *r, char *body, size_t len)
{
	free(r->body);
	r->body = body;
	r->body_len = len;
	response_addf(r, "Content-Length", "%zu", len);
}

const char *response_get(const struct response *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++) {
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	}
	return NULL;
}

struct text {
	char *at, *end;
	bool cut;
};

static void add(struct text *t, const char *data, size_t len)
{
	if ((size_t)(t->end - t->at) < len) {
		t->cut = true;
		return;
	}
	if (len > 0)
		memcpy(t->at, data, len);
	t->at += len;
}

static void add_text(struct text *t, const char *text)
{
	add(t, text, strlen(text));
}

int response_write(const struct response *r, bool head, char *buf, size_t size)
{
	struct text t = {buf, buf + size, false};
	char status[32];

	snprintf(status, sizeof(status), "HTTP/1.1 %u ", r->status);
	add_text(&t, status);
	add_text(&t, r->reason);
	for (size_t i = 0; i < r->header_count; i++) {
		add_text(&t, "\r\n");
		add_text(&t, r->headers[i].name);
		add_text(&t, ": ");
		add_text(&t, r->headers[i].value);
	}
	add_text(&t, "\r\n\r\n");
	if (!head)
		add(&t, r->body, r->body_len);
	return t.cut ? -E2BIG : (int)(t.at - buf);
}
