/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * application/x-www-form-urlencoded: bodies of forms, and queries.  Bytes from guests: strict, no
 * allocation. Fields keep their order; a name that comes twice, a broken escape, control characters
 * and bytes that are no UTF-8 are refused, not mended.
 */
#pragma once

#include <stddef.h>

enum {
	FORM_SIZE_MAX = 4096, /* bytes of the whole, encoded */
	FORM_FIELDS_MAX = 16,
	FORM_NAME_MAX = 32,    /* bytes of a name, decoded */
	FORM_VALUE_MAX = 1024, /* bytes of a value, decoded */
};

struct form_field {
	const char *name;
	const char *value;
};

/* Names and values point into `text`: do not copy the struct. */
struct form {
	size_t count;
	struct form_field fields[FORM_FIELDS_MAX];
	char text[FORM_SIZE_MAX + 2 * FORM_FIELDS_MAX];
};

/* 0; -E2BIG: a limit above; -EINVAL: malformed.  On failure the form is empty. */
int form_parse(const char *data, size_t len, struct form *ret_form);

/* NULL if there is no such field */
const char *form_get(const struct form *form, const char *name);
