/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "portal/answer.h"
#include "portal/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *find(void *ctx, const char *file, size_t *ret_len)
{
	(void)ctx;
	(void)file;
	*ret_len = 8;
	return "{{link}}";
}

static void check_answer(const char *method, const struct link_target *parts,
			 const struct answer_zone *zone)
{
	struct answer_request req = {.method = method, .target = parts, .origin = "http://0.0.0.0"};
	struct response response = {0};

	if (answer_stranger(&req, zone, 0, &response) < 0)
		abort();
	/* nothing that a guest sends opens a tag or a line */
	for (size_t i = 0; i < response.body_len; i++) {
		if (strchr("<>\"'\r\n", response.body[i]))
			abort();
	}
	response_finish(&response);
}

/* The first line is the Host header, the rest the request target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct template *page;
	const struct template_source source = {answer_names, ANSWER_VALUES, find, NULL};
	char text[4096], error[TEMPLATE_ERROR_MAX], url[LINK_TO_MAX], host[LINK_HOST_MAX];
	struct link_target parts;

	if (!page && template_parse(&source, "page", &page, error) < 0)
		abort();
	const struct answer_zone zone = {.title = "t", .lang = "en", .dir = "ltr", .page = page};

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	char *target = strchr(text, '\n');

	if (target)
		*target++ = '\0';
	link_split(target ? target : text, target ? text : NULL, &parts);
	link_original(&parts, url);
	if (*url && !link_is_web(url))
		abort();
	if (link_is_web(text))
		link_host(text, host);
	link_is_address(parts.host);
	check_answer("GET", &parts, &zone);
	check_answer("POST", &parts, &zone);
	return 0;
}
