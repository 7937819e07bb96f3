/* SPDX-License-Identifier: GPL-2.0-or-later */
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

bool text_is_plain(const char *text)
{
	uint32_t c;
	size_t n;

	for (; *text; text += n) {
		n = text_decode(text, &c);
		if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}
