/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status 511 (RFC 6585, 6) for everything, with a link to the login page and a refresh that goes
 * there; never the login form itself, never cacheable, never a cookie or a challenge, because the
 * request was meant for somebody else's server. The exception are two paths: Android, ChromeOS and
 * others probe them and take 511 for a broken network, but any redirect for a portal.  302 and none
 * else, since old clients know no other; to the landing page, which answers 200 in plain HTTP.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "portal/answer.h"

const char *const answer_names[ANSWER_VALUES] = {
	[ANSWER_LANG] = "lang",	      [ANSWER_DIR] = "dir",   [ANSWER_VENUE] = "venue",
	[ANSWER_REFRESH] = "refresh", [ANSWER_LINK] = "link",
};

enum { METHODS_ALL, METHODS_GET /* and HEAD */ };

/* The first row that fits; path NULL fits all. */
static const struct answer_row {
	int methods;
	const char *path;
	unsigned int status;
} rows[] = {
	{METHODS_GET, "/generate_204", 302},
	{METHODS_GET, "/gen_204", 302},
	{METHODS_ALL, NULL, 511},
};

static bool is_get(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static const struct answer_row *find_row(const struct answer_request *req)
{
	const struct answer_row *row = rows;

	for (; row->path; row++) {
		if (row->methods == METHODS_GET && !is_get(req->method))
			continue;
		if (strlen(row->path) == req->target.path_len &&
		    memcmp(row->path, req->target.path, req->target.path_len) == 0)
			break;
	}
	return row;
}

/* The landing page for a redirect, else the login page; only a GET is something to come back to. */
static void make_link(const struct answer_request *req, const struct answer_zone *zone,
		      unsigned int status, char ret_link[static LINK_LOGIN_MAX])
{
	char origin[LINK_ORIGIN_MAX], original[LINK_TO_MAX] = "";

	link_origin(zone->hostname, &req->local, origin);
	if (status == 511 && is_get(req->method))
		link_original(&req->target, original);
	link_with_to(origin, status == 511 ? "login" : "", original, ret_link);
}

int answer_stranger(const struct answer_request *req, const struct answer_zone *zone, time_t now,
		    struct response *ret_response)
{
	const struct answer_row *row = find_row(req);
	char link[LINK_LOGIN_MAX], refresh[16], *body;
	size_t len;

	make_link(req, zone, row->status, link);
	snprintf(refresh, sizeof(refresh), "%u", (unsigned int)zone->refresh);

	const struct template_value values[ANSWER_VALUES] = {
		[ANSWER_LANG] = {.text = zone->lang},	[ANSWER_DIR] = {.text = zone->dir},
		[ANSWER_VENUE] = {.text = zone->title}, [ANSWER_REFRESH] = {.text = refresh},
		[ANSWER_LINK] = {.text = link},
	};

	response_init(ret_response, row->status, true, now);
	response_add(ret_response, "Content-Type", "text/html; charset=utf-8");
	response_add(ret_response, "Cache-Control", "no-store");
	response_add(ret_response, "Referrer-Policy", "no-referrer");
	response_add(ret_response, "X-Content-Type-Options", "nosniff");
	int r = row->status == 302 ? response_addf(ret_response, "Location", "%s", link) : 0;

	if (r < 0)
		return r;
	r = template_render(zone->page, values, &body, &len);
	if (r < 0)
		return r;
	response_set_body(ret_response, body, len);
	return 0;
}
