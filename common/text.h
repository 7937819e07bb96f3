/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that people wrote: UTF-8 (RFC 3629). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first character of a string and its bytes (1 to 4); 0 at the string's end or if the bytes are
 * no UTF-8. */
size_t text_decode(const char *text, uint32_t *ret_character);

/* Whole UTF-8 without control characters (C0, DEL, C1): fit for a page, a log line and a terminal.
 */
bool text_is_plain(const char *text);

/* As many whole characters as are plain and fit, from the beginning; size is at least 1. */
void text_copy(char *buf, size_t size, const char *text);

/* The bytes at the beginning that are ASCII letters, digits, or in `more`. */
size_t text_span(const char *text, const char *more);
