/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "portal/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const char *data;
	size_t len;
};

static const char *find(void *ctx, const char *file, size_t *ret_len)
{
	const struct input *input = ctx;

	if (strcmp(file, "part") == 0) {
		*ret_len = input->len / 2;
		return input->data;
	}
	*ret_len = input->len;
	return strcmp(file, "page") == 0 ? input->data : NULL;
}

/* Whatever the template is: values come out escaped, so "\x01" never stands beside a bare '<' of a
 * value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a", "b", "list", "none"};
	static const char *const items[] = {"\x01<", "two", "three"};
	static const struct template_value values[] = {
		{.text = "A"}, {.text = "\x01<\"'&>"}, {.list = items, .count = 3}, {0}};
	struct input input = {(const char *)data, size};
	const struct template_source source = {names, 4, find, &input};
	char error[TEMPLATE_ERROR_MAX];
	struct template *t;
	char *text;
	size_t len;

	if (memchr(data, 1, size) || template_parse(&source, "page", &t, error) < 0)
		return 0;
	if (template_render(t, values, &text, &len) == 0) {
		if (len > TEMPLATE_OUTPUT_MAX || text[len] != '\0' || memmem(text, len, "\x01<", 2))
			abort();
		free(text);
	}
	template_destroy(t);
	return 0;
}
