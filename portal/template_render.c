/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "portal/template_private.h"

struct output {
	char *text;
	size_t len, room;
};

static void output_finish(struct output *out)
{
	free(out->text);
}

/* For so many bytes more, and the NUL. */
static int output_reserve(struct output *out, size_t len)
{
	if (len > TEMPLATE_OUTPUT_MAX - out->len)
		return -E2BIG;
	if (out->len + len + 1 <= out->room)
		return 0;
	const size_t room = (out->len + len + 1) * 2;
	char *larger = realloc(out->text, room);

	if (!larger)
		return -ENOMEM;
	out->text = larger;
	out->room = room;
	return 0;
}

static int output_add(struct output *out, const char *text, size_t len)
{
	int r = output_reserve(out, len);

	if (r < 0)
		return r;
	memcpy(out->text + out->len, text, len);
	out->len += len;
	out->text[out->len] = '\0';
	return 0;
}

static int output_add_escaped(struct output *out, const char *text)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
	int r = 0;

	while (r == 0 && text && *text) {
		size_t plain = strcspn(text, "&<>\"'");

		r = output_add(out, text, plain);
		text += plain;
		for (size_t i = 0; *text && r == 0 && i < sizeof(entities) / sizeof(entities[0]);
		     i++) {
			if (entities[i].c == *text)
				r = output_add(out, entities[i].entity, strlen(entities[i].entity));
		}
		if (*text)
			text++;
	}
	return r;
}

static bool is_empty(const struct template_value *v)
{
	return v->list ? v->count == 0 : !v->text || !*v->text;
}

struct renderer {
	const struct template *t;
	const struct template_value *values;
	uint32_t list; /* node of the innermost section that repeats */
	bool in_list;  /* if there is one; lists in lists are not repeated again */
	size_t item;
	struct output out;
};

static const char *item_text(const struct renderer *r)
{
	return r->in_list ? r->values[r->t->nodes[r->list].at].list[r->item] : "";
}

/* Visits node i; *ret_next is the node to visit next. */
static int render_node(struct renderer *r, uint32_t i, uint32_t *ret_next)
{
	const struct node *n = &r->t->nodes[i];
	const bool named = n->kind != NODE_TEXT && n->kind != NODE_ITEM;
	const struct template_value *v = named ? &r->values[n->at] : NULL;

	*ret_next = i + 1;
	switch (n->kind) {
	case NODE_TEXT:
		return output_add(&r->out, r->t->text + n->at, n->len);
	case NODE_ITEM:
		return output_add_escaped(&r->out, item_text(r));
	case NODE_VALUE:
		return output_add_escaped(&r->out, v->text);
	case NODE_SECTION:
		if (is_empty(v)) {
			*ret_next = n->len + 1;
		} else if (v->list && !r->in_list) {
			r->in_list = true;
			r->list = i;
			r->item = 0;
		}
		return 0;
	case NODE_INVERTED:
		if (!is_empty(v))
			*ret_next = n->len + 1;
		return 0;
	case NODE_END:
		if (!r->in_list || r->list != n->len)
			return 0;
		if (++r->item < v->count)
			*ret_next = n->len + 1;
		else
			r->in_list = false;
		return 0;
	}
	return -EINVAL;
}

int template_render(const struct template *t, const struct template_value *values, char **ret_text,
		    size_t *ret_len)
{
	struct renderer r = {.t = t, .values = values};
	CLEANUP(output_finish) struct output out = {0};
	int err = output_reserve(&r.out, t->text_len);
	size_t steps = 0;

	if (err == 0)
		err = output_add(&r.out, "", 0);
	for (uint32_t i = 0; err == 0 && i < t->count;) {
		if (++steps > TEMPLATE_STEPS_MAX)
			err = -E2BIG;
		else
			err = render_node(&r, i, &i);
	}
	out = r.out;
	if (err < 0)
		return err;
	*ret_len = out.len;
	*ret_text = steal_ptr(&out.text);
	return 0;
}
