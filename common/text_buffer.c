/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/text_buffer.h"

void text_add_number(struct text_buffer *b, uint64_t number, unsigned int digits)
{
	char text[TEXT_NUMBER_MAX - 1]; /* digits beyond the largest number's are not written */
	size_t i = sizeof(text);

	for (; i > 0 && (number > 0 || digits > 0 || i == sizeof(text)); number /= 10) {
		text[--i] = (char)('0' + number % 10);
		digits -= digits > 0;
	}
	text_add(b, text + i, sizeof(text) - i);
}

const char *text_number(uint64_t number, char text[static TEXT_NUMBER_MAX])
{
	struct text_buffer b = text_begin(text, TEXT_NUMBER_MAX);

	text_add_number(&b, number, 1);
	text_end(&b);
	return text;
}
