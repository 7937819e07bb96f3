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
#include <string.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/probe.h"
#include "common/text_buffer.h"
#include "portal/answer.h"

const char *const answer_names[ANSWER_VALUES] = {
	[ANSWER_LANG] = "lang",	      [ANSWER_DIR] = "dir",   [ANSWER_VENUE] = "venue",
	[ANSWER_REFRESH] = "refresh", [ANSWER_LINK] = "link",
};

/* GET and HEAD of these get 302, all else 511. */
static const char *const redirected[] = {
	/* Android, ChromeOS, and all who copied their paths */
	"*/generate_204",
	"*/gen_204",
	/* ConnMan */
	"ipv4.connman.net/online/status.html",
	"ipv6.connman.net/online/status.html",
	/* Steam, Kindle, Nintendo's consoles */
	"test.steampowered.com/204",
	"spectrum.s3.amazonaws.com/kindle-wifi/*",
	"ctest.cdn.nintendo.net/*",
	"conntest.nintendowifi.net/*",
};

static bool is_get(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool is_listed(const struct link_target *target, const char *const *probes, size_t count)
{
	const size_t host_len = link_name_length(target->host);

	for (size_t i = 0; i < count; i++) {
		if (probe_matches(probes[i], target->host, host_len, target->path,
				  target->path_len))
			return true;
	}
	return false;
}

static unsigned int status_of(const struct answer_request *req, const struct answer_zone *zone)
{
	const size_t count = zone->strict ? 0 : sizeof(redirected) / sizeof(redirected[0]);

	return is_get(req->method) && (is_listed(req->target, zone->probes, zone->probe_count) ||
				       is_listed(req->target, redirected, count))
		       ? 302
		       : 511;
}

/* The landing page for a redirect, else the login page; only a GET is something to come back to. */
static void make_link(const struct answer_request *req, const struct answer_zone *zone,
		      unsigned int status, char ret_link[static LINK_LOGIN_MAX])
{
	char secure[LINK_ORIGIN_MAX], original[LINK_TO_MAX] = "";
	const bool to_secure = status == 511 && zone->secure;

	if (to_secure)
		link_secure_origin(zone->hostname, secure);
	if (status == 511 && is_get(req->method))
		link_original(req->target, original);
	link_with_to(to_secure ? secure : req->origin, status == 511 ? "login" : "", original,
		     ret_link);
}

int answer_stranger(const struct answer_request *req, const struct answer_zone *zone, time_t now,
		    struct response *ret_response)
{
	const unsigned int status = status_of(req, zone);
	char link[LINK_LOGIN_MAX], refresh[TEXT_NUMBER_MAX], *body;
	size_t len;

	make_link(req, zone, status, link);

	const struct template_value values[ANSWER_VALUES] = {
		[ANSWER_LANG] = {.text = zone->lang},
		[ANSWER_DIR] = {.text = zone->dir},
		[ANSWER_VENUE] = {.text = zone->title},
		[ANSWER_REFRESH] = {.text = text_number(zone->refresh, refresh)},
		[ANSWER_LINK] = {.text = link},
	};

	response_init(ret_response, status, true, now);
	response_add(ret_response, "Content-Type", "text/html; charset=utf-8");
	response_add(ret_response, "Cache-Control", "no-store");
	response_add(ret_response, "Referrer-Policy", "no-referrer");
	response_add(ret_response, "X-Content-Type-Options", "nosniff");
	int r = status == 302 ? response_add_copy(ret_response, "Location", link) : 0;

	if (r < 0)
		return r;
	r = template_render(zone->page, values, &body, &len);
	if (r < 0)
		return r;
	response_set_body(ret_response, body, len);
	return 0;
}

/* The answer to one who asks the host h for `target`, from the address with the longest text. */
static int measure(const struct answer_zone *zone, const char *target, size_t *ret_len)
{
	struct addr longest = {.family = 6};
	char origin[LINK_ORIGIN_MAX];
	struct link_target parts;
	const struct answer_request req = {.method = "GET", .target = &parts, .origin = origin};
	CLEANUP(response_finish) struct response response = {0};
	char head[2 * RESPONSE_TEXT_MAX];

	memset(longest.b, 0xff, sizeof(longest.b));
	link_origin(zone->hostname, &longest, origin);
	link_split(target, "h", &parts);
	int r = answer_stranger(&req, zone, 0, &response);

	if (r == 0)
		r = response_write(&response, true, head, sizeof(head));
	if (r < 0)
		return r;
	*ret_len = (size_t)r + response.body_len;
	return 0;
}

/* With the longest link, or a redirect, for the page may have no link in it. */
int answer_largest(const struct answer_zone *zone, size_t *ret_len)
{
	struct answer_zone all = *zone;
	size_t linked, redirect;
	char target[LINK_TO_MAX];

	all.strict = false; /* a redirect counts, if only the zone's own probes get one */
	memset(target, '%', sizeof(target) - 1);
	target[0] = '/';
	target[sizeof(target) - sizeof("http://h")] = '\0';
	int r = measure(&all, target, &linked);

	if (r == 0)
		r = measure(&all, "/generate_204", &redirect);
	if (r == 0)
		*ret_len = linked > redirect ? linked : redirect;
	return r;
}
