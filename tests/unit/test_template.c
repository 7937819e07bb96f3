/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portal/template.h"

static const char *const names[] = {"a", "b", "list", "none"};
static const char *const items[] = {"one", "<two>", "three"};
static const struct template_value values[] = {
	{.text = "A"}, {.text = "<b class=\"x\" id='y'>&"}, {.list = items, .count = 3}, {0}};

static const char *text; /* of the file "page" */

static const char *find(void *ctx, const char *file, size_t *ret_len)
{
	static const struct {
		const char *file, *text;
	} files[] = {
		{"part", "[{{a}}]"},   {"outer", "({{>part}})"}, {"self", "{{>self}}"},
		{"open", "x\n{{#a}}"}, {"close", "{{/a}}"},
	};

	(void)ctx;
	if (strcmp(file, "page") == 0) {
		*ret_len = strlen(text);
		return text;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(file, files[i].file) == 0) {
			*ret_len = strlen(files[i].text);
			return files[i].text;
		}
	}
	return NULL;
}

static const struct template_source source = {names, 4, find, NULL};
static char error[TEMPLATE_ERROR_MAX];

static void test_render(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"", ""},
		{"plain", "plain"},
		{"{{a}}", "A"},
		{"{{ a }}-{{! no }}-{{b}}", "A--&lt;b class=&quot;x&quot; id=&#39;y&#39;&gt;&amp;"},
		{"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "yes"},
		{"{{#none}}yes{{/none}}{{^none}}no{{/none}}", "no"},
		{"{{#list}}<{{.}}>{{/list}}", "<one><&lt;two&gt;><three>"},
		{"{{#list}}{{#none}}{{.}}{{/none}}{{^none}}{{a}}{{/none}}{{/list}}", "AAA"},
		{"{{#list}}{{#list}}{{.}}{{/list}} {{/list}}", "one &lt;two&gt; three "},
		{"{{^list}}none{{/list}}{{.}}", ""},
		{"{{list}}", ""},
		{"a{{>outer}}b", "a([A])b"},
		{"{ {a} }", "{ {a} }"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct template *t;
		char *out;
		size_t len;

		text = rows[i].text;
		assert_int_equal(template_parse(&source, "page", &t, error), 0);
		assert_int_equal(template_render(t, values, &out, &len), 0);
		assert_string_equal(out, rows[i].wanted);
		assert_int_equal(len, strlen(out));
		free(out);
		template_destroy(t);
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"a\nb {{a", "page:2: {{ without }}"},
		{"\n\n{{x}}", "page:3: there is no value \"x\""},
		{"{{}}", "page:1: a tag needs a name of 1 to 47 letters"},
		{"{{#}}", "page:1: a tag needs a name of 1 to 47 letters"},
		{"{{0123456789012345678901234567890123456789012345678}}",
		 "page:1: a tag needs a name of 1 to 47 letters"},
		{"{{#a}}\n{{/b}}", "page:2: {{/b}} where {{/a}} should be"},
		{"{{#a}}\n", "page:2: {{/a}} is missing"},
		{"{{/a}}", "page:1: {{/a}} closes nothing"},
		{"{{>nothing}}", "page:1: there is no file \"nothing\""},
		{"{{>self}}", "self:1: more than 8 files in each other"},
		{"{{>open}}", "open:2: {{/a}} is missing"},
		{"{{#.}}", "page:1: there is no value \".\""},
		{"{{{a}}}", "page:1: there is no value \"{a\""},
		{"{{&a}}", "page:1: there is no value \"&a\""},
		{"{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}",
		 "page:1: more than 8 sections in each other"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct template *t = NULL;

		text = rows[i].text;
		assert_int_equal(template_parse(&source, "page", &t, error), -EINVAL);
		assert_null(t);
		assert_string_equal(error, rows[i].wanted);
	}
}

static void test_limits(void **state)
{
	char *big = malloc(TEMPLATE_SIZE_MAX + 2);
	struct template *t;
	size_t len;
	char *out;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', TEMPLATE_SIZE_MAX + 1);
	big[TEMPLATE_SIZE_MAX + 1] = '\0';
	text = big;
	assert_int_equal(template_parse(&source, "page", &t, error), -EINVAL);
	big[TEMPLATE_SIZE_MAX] = '\0';
	assert_int_equal(template_parse(&source, "page", &t, error), 0);
	template_destroy(t);
	/* three times the largest text is more than may come out */
	memcpy(big, "{{#list}}", 9);
	memcpy(big + TEMPLATE_SIZE_MAX - 9, "{{/list}}", 9);
	assert_int_equal(template_parse(&source, "page", &t, error), 0);
	assert_int_equal(template_render(t, values, &out, &len), -E2BIG);
	template_destroy(t);
	for (size_t i = 0; i <= TEMPLATE_NODES_MAX; i++)
		memcpy(big + 5 * i, "{{a}}", 5);
	big[5 * (TEMPLATE_NODES_MAX + 1)] = '\0';
	assert_int_equal(template_parse(&source, "page", &t, error), -EINVAL);
	assert_string_equal(error, "page:1: more than 4096 tags and texts");
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
