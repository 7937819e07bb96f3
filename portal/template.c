/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates are parsed; template_render.c renders them. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "portal/template_private.h"

enum { NAME_LEN_MAX = 48 };

struct parser {
	const struct template_source *source;
	struct template *t;
	uint32_t open[TEMPLATE_DEPTH_MAX]; /* nodes of open sections */
	size_t depth;
	size_t files; /* being read: files in files */
	char *error;
};

/* The file that is being read; line: of `at` */
struct place {
	const char *file;
	const char *at, *end;
	unsigned int line;
};

static int fail(const struct parser *p, const struct place *where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct parser *p, const struct place *where, const char *fmt, ...)
{
	int n = snprintf(p->error, TEMPLATE_ERROR_MAX, "%s:%u: ", where->file, where->line);
	va_list args;

	va_start(args, fmt);
	if (n > 0 && n < TEMPLATE_ERROR_MAX)
		vsnprintf(p->error + n, TEMPLATE_ERROR_MAX - (size_t)n, fmt, args);
	va_end(args);
	return -EINVAL;
}

static int add_node(struct parser *p, const struct place *where, struct node node)
{
	struct template *t = p->t;

	if (t->count == TEMPLATE_NODES_MAX)
		return fail(p, where, "more than %d tags and texts", TEMPLATE_NODES_MAX);
	t->nodes[t->count++] = node;
	return 0;
}

static int add_text(struct parser *p, const struct place *where, const char *text, size_t len)
{
	struct template *t = p->t;

	if (len == 0)
		return 0;
	if (len > TEMPLATE_SIZE_MAX - t->text_len)
		return fail(p, where, "the page is larger than %d bytes", TEMPLATE_SIZE_MAX);
	char *larger = realloc(t->text, t->text_len + len);

	if (!larger)
		return -ENOMEM;
	t->text = larger;
	memcpy(t->text + t->text_len, text, len);

	const struct node node = {NODE_TEXT, (uint32_t)t->text_len, (uint32_t)len};

	t->text_len += len;
	return add_node(p, where, node);
}

static int open_section(struct parser *p, const struct place *where, enum node_kind kind,
			uint32_t name)
{
	if (p->depth == TEMPLATE_DEPTH_MAX)
		return fail(p, where, "more than %d sections in each other", TEMPLATE_DEPTH_MAX);
	p->open[p->depth++] = (uint32_t)p->t->count;
	return add_node(p, where, (struct node){kind, name, 0});
}

static int close_section(struct parser *p, const struct place *where, uint32_t name)
{
	uint32_t end = (uint32_t)p->t->count;

	if (p->depth == 0)
		return fail(p, where, "{{/%s}} closes nothing", p->source->names[name]);
	uint32_t begin = p->open[--p->depth];

	if (p->t->nodes[begin].at != name)
		return fail(p, where, "{{/%s}} where {{/%s}} should be", p->source->names[name],
			    p->source->names[p->t->nodes[begin].at]);
	p->t->nodes[begin].len = end;
	return add_node(p, where, (struct node){NODE_END, name, begin});
}

static int parse_file(struct parser *p, const struct place *from, const char *file);

/* name: without spaces; sign: '#', '^', '/', or 0 */
static int add_tag(struct parser *p, const struct place *where, char sign, const char *name)
{
	uint32_t i = 0;

	if (sign == 0 && strcmp(name, ".") == 0)
		return add_node(p, where, (struct node){NODE_ITEM, 0, 0});
	while (i < p->source->name_count && strcmp(p->source->names[i], name) != 0)
		i++;
	if (i == p->source->name_count)
		return fail(p, where, "there is no value \"%s\"", name);
	switch (sign) {
	case '#':
		return open_section(p, where, NODE_SECTION, i);
	case '^':
		return open_section(p, where, NODE_INVERTED, i);
	case '/':
		return close_section(p, where, i);
	default:
		return add_node(p, where, (struct node){NODE_VALUE, i, 0});
	}
}

/* tag: what stands between the braces */
static int parse_tag(struct parser *p, const struct place *where, const char *tag, size_t len)
{
	char name[NAME_LEN_MAX];
	char sign = 0;

	if (len > 0 && *tag == '!')
		return 0;
	if (len > 0 && strchr("#^/>", *tag)) {
		sign = *tag++;
		len--;
	}
	for (; len > 0 && *tag == ' '; len--)
		tag++;
	while (len > 0 && tag[len - 1] == ' ')
		len--;
	if (len == 0 || len >= sizeof(name) || memchr(tag, '\0', len))
		return fail(p, where, "a tag needs a name of 1 to %d letters", NAME_LEN_MAX - 1);
	memcpy(name, tag, len);
	name[len] = '\0';
	if (sign == '>')
		return parse_file(p, where, name);
	return add_tag(p, where, sign, name);
}

static unsigned int count_lines(const char *from, const char *to)
{
	unsigned int n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

static int parse_text(struct parser *p, struct place *where)
{
	int r = 0;

	while (r == 0 && where->at < where->end) {
		const char *open = memmem(where->at, (size_t)(where->end - where->at), "{{", 2);
		const char *stop = open ? open : where->end;

		r = add_text(p, where, where->at, (size_t)(stop - where->at));
		where->line += count_lines(where->at, stop);
		if (r < 0 || !open)
			break;
		const char *close = memmem(open + 2, (size_t)(where->end - open - 2), "}}", 2);

		if (!close)
			return fail(p, where, "{{ without }}");
		r = parse_tag(p, where, open + 2, (size_t)(close - open - 2));
		where->line += count_lines(open, close);
		where->at = close + 2;
	}
	return r;
}

/* from: where the file was asked for; NULL for the template itself.  `files` bounds the recursion.
 */
static int parse_file(struct parser *p, const struct place *from, const char *file)
{
	const size_t depth = p->depth;
	struct place where = {.file = file, .line = 1};
	size_t len = 0;

	where.at = p->source->find(p->source->ctx, file, &len);
	if (!where.at)
		return fail(p, from ? from : &where, "there is no file \"%s\"", file);
	where.end = where.at + len;
	if (p->files == TEMPLATE_DEPTH_MAX)
		return fail(p, from, "more than %d files in each other", TEMPLATE_DEPTH_MAX);
	p->files++;
	int r = parse_text(p, &where);

	p->files--;
	if (r == 0 && p->depth > depth)
		return fail(p, &where, "{{/%s}} is missing",
			    p->source->names[p->t->nodes[p->open[p->depth - 1]].at]);
	return r;
}

static void cleanup_template(struct template **t)
{
	template_destroy(*t);
}

int template_parse(const struct template_source *source, const char *file,
		   struct template **ret_template, char ret_error[static TEMPLATE_ERROR_MAX])
{
	CLEANUP(cleanup_template) struct template *t = calloc(1, sizeof(*t));
	struct parser p = {.source = source, .t = t, .error = ret_error};

	ret_error[0] = '\0';
	if (!t)
		return -ENOMEM;
	t->nodes = calloc(TEMPLATE_NODES_MAX, sizeof(*t->nodes));
	if (!t->nodes)
		return -ENOMEM;
	int r = parse_file(&p, NULL, file);

	if (r < 0)
		return r;
	struct node *fitting = realloc(t->nodes, (t->count + 1) * sizeof(*t->nodes));

	if (fitting)
		t->nodes = fitting;
	*ret_template = steal_ptr(&t);
	return 0;
}

void template_destroy(struct template *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->text);
	free(t);
}
