/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "portal/form.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The length of the well-formed UTF-8 sequence at s (Unicode, table 3-7), 0 if there is none. */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t len;
	} forms[] = {
		{0x20, 0x7e, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first_low || s[0] > forms[i].first_high)
			continue;
		if (forms[i].len > len)
			return 0;
		if (forms[i].len > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++) {
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		}
		return forms[i].len;
	}
	return 0;
}

/* No control characters either: the table's first row begins at the space. */
static bool is_text(const char *s, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_sequence((const unsigned char *)s + at, len - at);
		if (n == 0)
			return false;
	}
	return true;
}

/* Decodes [data, data + len) to *at, adds a NUL, moves *at behind it. */
static int decode(const char *data, size_t len, size_t max, char **at)
{
	char *begin = *at, *out = begin;

	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = len - i > 2 ? hex_digit(data[i + 1]) : -1;
			int low = len - i > 2 ? hex_digit(data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		*out++ = c;
	}
	if ((size_t)(out - begin) > max)
		return -E2BIG;
	if (!is_text(begin, (size_t)(out - begin)))
		return -EINVAL;
	*out++ = '\0';
	*at = out;
	return 0;
}

static int add_field(struct form *form, const char *data, size_t len, char **at)
{
	const char *equals = memchr(data, '=', len);
	size_t name_len = equals ? (size_t)(equals - data) : len;
	struct form_field field = {.name = *at};

	if (form->count == FORM_FIELDS_MAX)
		return -E2BIG;
	int r = decode(data, name_len, FORM_NAME_MAX, at);

	if (r < 0)
		return r;
	if (!*field.name || form_get(form, field.name))
		return -EINVAL;
	field.value = *at;
	r = equals ? decode(equals + 1, len - name_len - 1, FORM_VALUE_MAX, at)
		   : decode("", 0, FORM_VALUE_MAX, at);
	if (r < 0)
		return r;
	form->fields[form->count++] = field;
	return 0;
}

int form_parse(const char *data, size_t len, struct form *ret_form)
{
	char *at = ret_form->text;
	int r = 0;

	ret_form->count = 0;
	if (len > FORM_SIZE_MAX)
		return -E2BIG;
	while (len > 0 && r == 0) {
		const char *amp = memchr(data, '&', len);
		size_t n = amp ? (size_t)(amp - data) : len;

		if (n > 0)
			r = add_field(ret_form, data, n, &at);
		n += amp ? 1 : 0;
		data += n;
		len -= n;
	}
	if (r < 0)
		ret_form->count = 0;
	return r;
}

const char *form_get(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++) {
		if (strcmp(form->fields[i].name, name) == 0)
			return form->fields[i].value;
	}
	return NULL;
}
