/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "portal/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted keeps to the limits, has no name twice, and holds no control character. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct form form;

	if (form_parse((const char *)data, size, &form) < 0) {
		if (form.count != 0)
			abort();
		return 0;
	}
	for (size_t i = 0; i < form.count; i++) {
		const struct form_field *f = &form.fields[i];

		if (!*f->name || strlen(f->name) > FORM_NAME_MAX ||
		    strlen(f->value) > FORM_VALUE_MAX || form_get(&form, f->name) != f->value)
			abort();
		for (const char *c = f->value; *c; c++) {
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				abort();
		}
	}
	return 0;
}
