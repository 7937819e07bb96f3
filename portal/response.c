/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text_buffer.h"
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

static void add_two_digits(struct text_buffer *b, int number, const char *behind)
{
	text_add_number(b, (uint64_t)number, 2);
	text_add_string(b, behind);
}

/* IMF-fixdate, RFC 9110, 5.6.7; strftime() would follow the locale. */
static void add_date(struct response *r, time_t now)
{
	static const char *const days[] = {"Sun, ", "Mon, ", "Tue, ", "Wed, ",
					   "Thu, ", "Fri, ", "Sat, "};
	static const char *const months[] = {" Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ",
					     " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec "};
	char text[sizeof("Sun, 06 Nov 1994 08:49:37 GMT") + TEXT_NUMBER_MAX];
	struct text_buffer b = text_begin(text, sizeof(text));
	struct tm tm;

	if (!gmtime_r(&now, &tm) || tm.tm_year < -1900)
		return;
	text_add_string(&b, days[tm.tm_wday]);
	add_two_digits(&b, tm.tm_mday, months[tm.tm_mon]);
	text_add_number(&b, (uint64_t)(tm.tm_year + 1900), 4);
	text_add_string(&b, " ");
	add_two_digits(&b, tm.tm_hour, ":");
	add_two_digits(&b, tm.tm_min, ":");
	add_two_digits(&b, tm.tm_sec, " GMT");
	text_end(&b);
	response_add_copy(r, "Date", text);
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

int response_add_copy(struct response *r, const char *name, const char *value)
{
	char *copy = r->text + r->text_len;
	const size_t size = strlen(value) + 1;

	if (size > sizeof(r->text) - r->text_len)
		return -E2BIG;
	memcpy(copy, value, size);
	r->text_len += size;
	response_add(r, name, copy);
	return 0;
}

void response_set_body(struct response *r, char *body, size_t len)
{
	char text[TEXT_NUMBER_MAX];

	free(r->body);
	r->body = body;
	r->body_len = len;
	response_add_copy(r, "Content-Length", text_number(len, text));
}

const char *response_get(const struct response *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++) {
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	}
	return NULL;
}

int response_write(const struct response *r, bool head, char *buf, size_t size)
{
	struct text_buffer b = {buf, buf + size, false};

	text_add_string(&b, "HTTP/1.1 ");
	text_add_number(&b, r->status, 3);
	text_add_string(&b, " ");
	text_add_string(&b, r->reason);
	for (size_t i = 0; i < r->header_count; i++) {
		text_add_string(&b, "\r\n");
		text_add_string(&b, r->headers[i].name);
		text_add_string(&b, ": ");
		text_add_string(&b, r->headers[i].value);
	}
	text_add_string(&b, "\r\n\r\n");
	if (!head)
		text_add(&b, r->body, r->body_len);
	return b.cut ? -E2BIG : (int)(b.at - buf);
}
