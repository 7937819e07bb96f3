/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The portal's pages.  Invariants: nothing is granted or taken without a form that carries our
 * token for this guest; a page never tells a guest about another; where the guest wanted to go is
 * shown and never gone to by itself; requests under a foreign name are sent to the portal's own, so
 * that no other site's name can stand over our pages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "portal/api.h"
#include "portal/form.h"
#include "portal/handle.h"
#include "portal/page.h"
#include "portal/portal.h"

/* lookup: the engine is asked who the guest is before the handler runs (portal/handle.h). */
static const struct {
	int (*handle)(struct exchange *x, const struct web_reply *reply);
	bool lookup, form;
} handlers[] = {
	[ROUTE_LANDING] = {handle_get_landing, true, false},
	[ROUTE_LOGIN] = {handle_get_login, true, false},
	[ROUTE_LOGIN_POST] = {handle_post_login, true, true},
	[ROUTE_SUCCESS] = {handle_get_success, true, false},
	[ROUTE_STATUS] = {handle_get_status, true, false},
	[ROUTE_EXTEND] = {handle_get_extend, true, false},
	[ROUTE_EXTEND_POST] = {handle_post_extend, true, true},
	[ROUTE_EXTENDED] = {handle_get_extended, true, false},
	[ROUTE_LOGOUT] = {handle_get_logout, true, false},
	[ROUTE_LOGOUT_POST] = {handle_post_logout, true, true},
	[ROUTE_LOGGED_OUT] = {handle_get_logged_out, true, false},
	[ROUTE_STYLE] = {handle_get_style, false, false},
	[ROUTE_LOGO] = {handle_get_logo, false, false},
	[ROUTE_API] = {api_get, true, false},
};

/* Keeps what a form, or the query of a GET, says.  A malformed query is no reason to refuse a page.
 */
static int read_fields(struct exchange *x)
{
	static const char type[] = "application/x-www-form-urlencoded";
	const bool is_form = handlers[x->route].form;
	struct form form;

	if (is_form &&
	    (!x->content_type || strncasecmp(x->content_type, type, sizeof(type) - 1) != 0))
		return -EINVAL;
	const char *data = is_form ? x->body : x->parts.query;
	int r = form_parse(data ? data : "",
			   is_form ? x->body_len
			   : data  ? strcspn(data, "#")
				   : 0,
			   &form);

	if (r < 0)
		return is_form ? r : 0;
	const char *to = form_get(&form, "to"), *token = form_get(&form, "token");

	if (to && link_is_web(to))
		snprintf(x->to, sizeof(x->to), "%s", to);
	if (token && strlen(token) < sizeof(x->token))
		snprintf(x->token, sizeof(x->token), "%s", token);
	x->accepted = form_get(&form, "accept") != NULL;
	return 0;
}

static bool is_get(const struct exchange *x)
{
	return strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0;
}

/* Under a name that is not ours: a name that somebody else made point to us could read our forms.
 */
static bool is_misdirected(const struct exchange *x)
{
	return x->parts.host_given && !link_is_address(x->parts.host) &&
	       !link_is_portal(x->parts.host, exchange_zone(x)->stranger.hostname, &x->local);
}

static void own_origin(const struct exchange *x, bool secure,
		       char ret_origin[static LINK_ORIGIN_MAX])
{
	if (secure && exchange_zone(x)->stranger.hostname)
		link_secure_origin(exchange_zone(x)->stranger.hostname, ret_origin);
	else
		link_origin(exchange_zone(x)->stranger.hostname, &x->local, ret_origin);
}

static int answer_misdirected(struct exchange *x)
{
	char origin[LINK_ORIGIN_MAX], link[LINK_LOGIN_MAX];

	if (!is_get(x))
		return handle_error(x, 421, VALUE_MISDIRECTED);
	own_origin(x, x->secure, origin);
	link_with_to(origin, "", "", link);
	return page_redirect(x, 302, link);
}

/* With a certificate, what a guest types and what is said about it go over TLS alone; the landing
 * page does not, for detectors of operating systems follow a redirect to it. */
static bool wants_tls(const struct exchange *x)
{
	return exchange_zone(x)->stranger.secure && !x->secure && handlers[x->route].lookup &&
	       x->route != ROUTE_LANDING;
}

/* The same page there.  A form that came here is asked for again: its answer must be over TLS. */
static int answer_at_tls(struct exchange *x)
{
	char origin[LINK_ORIGIN_MAX], link[LINK_LOGIN_MAX], path[sizeof("logged-out")];

	snprintf(path, sizeof(path), "%.*s", (int)x->parts.path_len - 1, x->parts.path + 1);
	own_origin(x, true, origin);
	link_with_to(origin, path, x->to, link);
	return page_redirect(x, 303, link);
}

static int answer_foreign(struct exchange *x)
{
	char origin[LINK_ORIGIN_MAX];
	const struct answer_request req = {
		.method = x->method, .target = &x->parts, .origin = origin};

	own_origin(x, false, origin);
	x->close = true;
	return answer_stranger(&req, &exchange_zone(x)->stranger, x->now, &x->response);
}

bool exchange_is_foreign(const struct exchange *x)
{
	struct link_target parts;

	link_split(x->target, x->host, &parts);
	return x->diverted &&
	       !link_is_portal(parts.host, exchange_zone(x)->stranger.hostname, &x->local);
}

int exchange_begin(struct exchange *x)
{
	const char *allow;

	link_split(x->target, x->host, &x->parts);
	if (exchange_is_foreign(x))
		return answer_foreign(x);
	/* the kernel sends this connection to the divert port for as long as it lives */
	x->close |= x->diverted;
	if (is_misdirected(x))
		return answer_misdirected(x);
	int r = route_find(x->method, x->parts.path, x->parts.path_len, &x->route, &allow);

	if (r == -EACCES)
		return page_not_allowed(x, allow);
	if (r < 0)
		return handle_error(x, 404, VALUE_NOT_FOUND);
	if (x->body_too_large)
		return handle_error(x, 413, VALUE_TOO_LARGE);
	if (read_fields(x) < 0)
		return handle_error(x, 400, VALUE_BAD_REQUEST);
	if (wants_tls(x))
		return answer_at_tls(x);
	if (!handlers[x->route].lookup)
		return handlers[x->route].handle(x, NULL);
	x->asked = MSG_WEB_LOOKUP;
	return MSG_WEB_LOOKUP;
}

int exchange_continue(struct exchange *x, const struct web_reply *reply)
{
	int r = handlers[x->route].handle(x, reply);

	if (r > 0)
		x->asked = (uint32_t)r;
	return r;
}

void exchange_finish(struct exchange *x)
{
	response_finish(&x->response);
	site_unref(x->site);
	x->site = NULL;
}
