/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that is put together from pieces, without the cost of a format string.  A piece that does not fit is left out as a
 * whole, and so is all that comes behind it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TEXT_NUMBER_MAX = sizeof("18446744073709551615") };

struct text_buffer {
	char *at, *end; /* where the next piece goes; the buffer's end */
	bool cut;	/* something was left out */
};

/* With room for a NUL, which text_end() writes; size is at least 1. */
static inline struct text_buffer text_begin(char *buf, size_t size)
{
	return (struct text_buffer){buf, buf + size - 1, false};
}

static inline void text_end(struct text_buffer *b)
{
	*b->at = '\0';
}

static inline void text_add(struct text_buffer *b, const char *data, size_t len)
{
	b->cut |= (size_t)(b->end - b->at) < len;
	if (b->cut)
		return;
	if (len > 0)
		memcpy(b->at, data, len);
	b->at += len;
}

static inline void text_add_string(struct text_buffer *b, const char *text)
{
	text_add(b, text, strlen(text));
}

/* In decimal, with zeroes before it if it has fewer digits. */
void text_add_number(struct text_buffer *b, uint64_t number, unsigned int digits);

/* A number alone; text */
const char *text_number(uint64_t number, char text[static TEXT_NUMBER_MAX]);
