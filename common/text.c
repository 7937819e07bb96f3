/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/text.h"

size_t text_decode(const char *text, uint32_t *ret_character)
{
	/* by the number of bytes: the smallest character that needs them (RFC 3629: no overlong
	 * forms) */
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *b = (const unsigned char *)text;
	uint32_t c;
	size_t n;

	if (b[0] == 0)
		return 0;
	if (b[0] < 0x80) {
		*ret_character = b[0];
		return 1;
	}
	if (b[0] >= 0xc2 && b[0] < 0xe0)
		n = 2;
	else if (b[0] >= 0xe0 && b[0] < 0xf0)
		n = 3;
	else if (b[0] >= 0xf0 && b[0] < 0xf5)
		n = 4;
	else
		return 0;
	c = b[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret_character = c;
	return n;
}

/* Its bytes; 0 at the string's end, or if it is none that is plain. */
static size_t plain_character(const char *text)
{
	uint32_t c;
	const size_t n = text_decode(text, &c);

	return n > 0 && c >= 0x20 && !(c >= 0x7f && c < 0xa0) ? n : 0;
}

/* The bytes that are plain, of whole characters, at most max. */
static size_t plain_length(const char *text, size_t max)
{
	size_t len = 0, n;

	while ((n = plain_character(text + len)) > 0 && n <= max - len)
		len += n;
	return len;
}

bool text_is_plain(const char *text)
{
	return text[plain_length(text, SIZE_MAX)] == '\0';
}

void text_copy(char *buf, size_t size, const char *text)
{
	const size_t len = plain_length(text, size - 1);

	memcpy(buf, text, len);
	buf[len] = '\0';
}

/* ASCII, whatever the locale */
static bool is_alphanumeric(char c)
{
	const unsigned char letter = (unsigned char)c | 0x20;

	return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9');
}

size_t text_span(const char *text, const char *more)
{
	const char *at = text;

	while (is_alphanumeric(*at) || (*at != '\0' && strchr(more, *at)))
		at++;
	return (size_t)(at - text);
}
