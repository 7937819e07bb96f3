/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page templates: a small part of Mustache whose every value is escaped.
 *
 *   {{name}}                the value, safe in text and in quoted attributes; there is no way to
 * write it raw
 *   {{#name}} ... {{/name}} only if the value is not empty; for a list, once for each item, which
 * is {{.}}
 *   {{^name}} ... {{/name}} only if the value is empty
 *   {{>file}}               another file in its place
 *   {{! a remark }}
 *
 * Names are the caller's: the value of names[i] is values[i], and a name that it does not have is
 * an error.  Templates are parsed once, at start or reload.  Escaping does not make a bad URL good:
 * the caller checks those.
 */
#pragma once

#include <stddef.h>

enum {
	TEMPLATE_SIZE_MAX = 256 * 1024, /* bytes, with the files in it */
	TEMPLATE_NODES_MAX = 4096,
	TEMPLATE_DEPTH_MAX = 8, /* sections in sections; files in files */
	TEMPLATE_OUTPUT_MAX = 512 * 1024,
	TEMPLATE_STEPS_MAX = 100 * 1000, /* nodes visited in one rendering */
	TEMPLATE_ERROR_MAX = 160,
};

struct template;

/* Text or, if list is set, a list; all zero is empty. */
struct template_value {
	const char *text;
	const char *const *list;
	size_t count;
};

/* Where templates and their names come from. */
struct template_source {
	const char *const *names;
	size_t name_count;
	/* The text of a file, NULL if there is none; it need not stay. */
	const char *(*find)(void *ctx, const char *file, size_t *ret_len);
	void *ctx;
};

/* -EINVAL: "file:line: what is wrong" is in ret_error; -ENOMEM. */
int template_parse(const struct template_source *source, const char *file,
		   struct template **ret_template, char ret_error[static TEMPLATE_ERROR_MAX]);
void template_destroy(struct template *t);

/* values: as many as the source had names.  The text (malloc, with a NUL that the length does not
 * count) is the caller's. -E2BIG: a limit above; -ENOMEM. */
int template_render(const struct template *t, const struct template_value *values, char **ret_text,
		    size_t *ret_len);
