/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "common/text.h"
#include "portal/head.h"
#include "portal/link.h"

/* RFC 9110, 5.6.2: what else may stand in a token */
#define TOKEN_CHARS "!#$%&'*+-.^_`|~"

/* Ends the line that begins at `line` and returns the next one; NULL if it is not whole. */
static char *end_line(char *line)
{
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	return end + 1;
}

/* Cuts "HTTP/1.1" off a request line. */
static bool cut_version(char *target)
{
	char *blank = strrchr(target, ' ');

	if (!blank || strncmp(blank, " HTTP/", 6) != 0 || !isdigit((unsigned char)blank[6]) ||
	    blank[7] != '.' || !isdigit((unsigned char)blank[8]) || blank[9] != '\0')
		return false;
	while (blank > target && *blank == ' ')
		*blank-- = '\0';
	return blank > target || *target != '\0';
}

/* NULL: no Host in the lines that are whole.  *ret_end: the head ends among them. */
static const char *find_host(char *line, bool *ret_end)
{
	static const char name[] = "Host:";
	char *next;

	*ret_end = false;
	for (; (next = end_line(line)); line = next) {
		if (*line == '\0') {
			*ret_end = true;
			return NULL;
		}
		if (strncasecmp(line, name, sizeof(name) - 1) == 0)
			return line + sizeof(name) - 1 + strspn(line + sizeof(name) - 1, " \t");
	}
	return NULL;
}

static bool is_url(const char *target)
{
	static const char http[] = "http://";

	return strncasecmp(target, http, sizeof(http) - 1) == 0;
}

enum head_state head_read(const uint8_t *data, size_t len, struct head *ret_head)
{
	struct head *h = ret_head;
	const bool full = len >= HEAD_MAX;
	bool end;

	h->method = h->target = h->host = NULL;
	len = full ? HEAD_MAX : len;
	memcpy(h->text, data, len);
	h->text[len] = '\0';

	char *method = h->text + strspn(h->text, "\r\n");
	char *target = method + text_span(method, TOKEN_CHARS);
	const size_t method_len = (size_t)(target - method);

	if (*method == '\0')
		return HEAD_PARTIAL;
	if (method_len == 0 || method_len > HEAD_METHOD_MAX || (*target != '\0' && *target != ' '))
		return HEAD_NONE;
	while (*target == ' ')
		*target++ = '\0';
	if (*target == '\0')
		return HEAD_PARTIAL;

	char *next = end_line(target);

	if (!next && (strlen(target) < LINK_TO_MAX || (*target != '/' && !is_url(target))))
		return full ? HEAD_NONE : HEAD_PARTIAL;
	if (next && !cut_version(target))
		return HEAD_NONE;
	h->method = method;
	h->target = target;
	if (!next)
		return HEAD_READY;
	h->host = find_host(next, &end);
	return h->host || end || full || is_url(target) ? HEAD_READY : HEAD_PARTIAL;
}
