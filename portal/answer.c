/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status 511 (RFC 6585, 6) for everything, with a link to the login page and a refresh that goes
 * there; never the login form itself, never cacheable, never a cookie or a challenge, because the
 * request was meant for somebody else's server.  The exception are probes of systems that take 511
 * for a broken network, but a redirect for a portal: 302 and none else, since old clients know no
 * other; to the landing page, which answers 200 in plain HTTP.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/probe.h"
#include "portal/answer.h"

const char *const answer_names[ANSWER_VALUES] = {
	[ANSWER_LANG] = "lang",	      [ANSWER_DIR] = "dir",   [ANSWER_VENUE] = "venue",
	[ANSWER_REFRESH] = "refresh", [ANSWER_LINK] = "link",
};

enum { METHODS_ALL, METHODS_GET /* and HEAD */ };

static const struct answer_row {
	int methods;
	const char *probe; /* a pattern of common/probe.h */
	unsigned int status;
} rows[] = {
	/* Android, ChromeOS, and all who copied their paths */
	{METHODS_GET, "*/generate_204", 302},
	{METHODS_GET, "*/gen_204", 302},
	/* ConnMan */
	{METHODS_GET, "ipv4.connman.net/online/status.html", 302},
	{METHODS_GET, "ipv6.connman.net/online/status.html", 302},
	/* Steam, Kindle, Nintendo's consoles */
	{METHODS_GET, "test.steampowered.com/204", 302},
	{METHODS_GET, "spectrum.s3.amazonaws.com/kindle-wifi/*", 302},
	{METHODS_GET, "ctest.cdn.nintendo.net/*", 302},
	{METHODS_GET, "conntest.nintendowifi.net/*", 302},
};

static const struct answer_row otherwise = {METHODS_ALL, NULL, 511},
			       own_probe = {METHODS_GET, NULL, 302};

static bool is_get(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool fits(const struct answer_request *req, int methods, const char *probe)
{
	const struct link_target *t = &req->target;

	return (methods == METHODS_ALL || is_get(req->method)) &&
	       probe_matches(probe, t->host, link_name_length(t->host), t->path, t->path_len);
}

/* The zone's own rows, then ours: the first that fits. */
static const struct answer_row *find_row(const struct answer_request *req,
					 const struct answer_zone *zone)
{
	for (size_t i = 0; i < zone->probe_count; i++) {
		if (fits(req, own_probe.methods, zone->probes[i]))
			return &own_probe;
	}
	for (size_t i = 0; !zone->strict && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (fits(req, rows[i].methods, rows[i].probe))
			return &rows[i];
	}
	return &otherwise;
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
	const struct answer_row *row = find_row(req, zone);
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
