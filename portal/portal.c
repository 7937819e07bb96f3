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
#include "portal/page.h"
#include "portal/portal.h"

/* Seconds until a page that could not be answered tries again. */
#define RETRY_TEXT "5"

static const struct zone_site *zone_of(const struct exchange *x)
{
	return &x->site->zones[x->zone];
}

static int redirect(struct exchange *x, const char *path, bool with_to)
{
	char link[LINK_LOGIN_MAX];

	link_with_to("", path, with_to ? x->to : "", link);
	return page_redirect(x, 303, link);
}

/* What a guest sees when it cannot be served; retry: the page tries again by itself. */
static const struct trouble {
	uint32_t state; /* of the engine's reply, 0 if there was none */
	unsigned int status;
	enum page_value what;
	bool retry;
} troubles[] = {
	{GUEST_NO_DEVICE, 503, VALUE_NO_DEVICE, true},
	{GUEST_UNVERIFIED, 503, VALUE_UNVERIFIED, true},
	{GUEST_REFUSED, 403, VALUE_REFUSED, false},
	{0, 503, VALUE_FAILED, true}, /* any other */
};

/* next: the page to try again */
static int answer_trouble(struct exchange *x, const struct web_reply *reply, const char *next)
{
	const struct trouble *t = troubles;
	struct template_value values[VALUES] = {0};
	char link[LINK_LOGIN_MAX];

	while (t->state != 0 && (!reply || t->state != reply->state))
		t++;
	values[t->what].text = "1";
	link_with_to("", next, x->to, link);
	values[VALUE_NEXT].text = link;
	if (t->retry) {
		values[VALUE_REFRESH].text = RETRY_TEXT;
		x->close = true; /* the engine looks at how this connection was opened: the next try
				    needs a new one */
	}
	return page_answer(x, t->status, PAGE_ERROR, values, t->retry ? RETRY_TEXT : NULL);
}

static int answer_error(struct exchange *x, unsigned int status, enum page_value what)
{
	struct template_value values[VALUES] = {[VALUE_NEXT] = {.text = "/"}};

	values[what].text = "1";
	return page_answer(x, status, PAGE_ERROR, values, NULL);
}

static bool is_online(const struct web_reply *reply)
{
	return reply && reply->state == GUEST_ONLINE;
}

/* Without a session, but with a MAC that a form can be made for */
static bool is_stranger(const struct web_reply *reply)
{
	return reply && (reply->state == GUEST_STRANGER || reply->state == GUEST_UNVERIFIED);
}

/* An engine in trouble is no reason to refuse the landing page: detectors of operating systems want
 * to see 200. */
static int get_landing(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {[VALUE_NEXT] = {.text = "/login"}};
	char refresh[16];

	if (is_online(reply))
		return redirect(x, "status", false);
	snprintf(refresh, sizeof(refresh), "%u", (unsigned int)zone_of(x)->stranger.refresh);
	values[VALUE_REFRESH].text = refresh;
	return page_answer(x, 200, PAGE_LANDING, values, NULL);
}

/* wrong: VALUE_NOT_ACCEPTED, VALUE_EXPIRED, or VALUES for nothing */
static int login_form(struct exchange *x, const struct mac *mac, unsigned int status,
		      enum page_value wrong)
{
	const struct zone_site *zone = zone_of(x);
	struct template_value values[VALUES] = {
		[VALUE_TO] = {.text = x->to},
		[VALUE_TERMS] = {.list = zone->terms, .count = zone->terms_count},
	};
	char token[TOKEN_TEXT_MAX];

	token_make(x->site->secret, zone->name, mac, x->now, token);
	values[VALUE_TOKEN].text = token;
	if (wrong != VALUES)
		values[wrong].text = "1";
	return page_answer(x, status, PAGE_LOGIN, values, NULL);
}

static int get_login(struct exchange *x, const struct web_reply *reply)
{
	if (is_online(reply))
		return redirect(x, "status", false);
	if (!is_stranger(reply))
		return answer_trouble(x, reply, "login");
	return login_form(x, &reply->mac, 200, VALUES);
}

static bool token_is_ours(const struct exchange *x, const struct web_reply *reply)
{
	return token_check(x->site->secret, zone_of(x)->name, &reply->mac, x->now, x->token) == 0;
}

static int post_login(struct exchange *x, const struct web_reply *reply)
{
	if (is_online(reply))
		return redirect(x, x->asked == MSG_WEB_LOGIN ? "success" : "status",
				x->asked == MSG_WEB_LOGIN);
	if (x->asked == MSG_WEB_LOGIN || !is_stranger(reply))
		return answer_trouble(x, reply, "login");
	if (!token_is_ours(x, reply))
		return login_form(x, &reply->mac, 403, VALUE_EXPIRED);
	if (!x->accepted)
		return login_form(x, &reply->mac, 200, VALUE_NOT_ACCEPTED);
	return MSG_WEB_LOGIN;
}

static int get_success(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {0};
	char host[LINK_HOST_MAX];

	if (is_stranger(reply))
		return redirect(x, "login", true);
	if (!is_online(reply))
		return answer_trouble(x, reply, "success");
	link_host(x->to, host);
	values[VALUE_TO].text = x->to;
	values[VALUE_TO_HOST].text = host;
	return page_answer_session(x, reply, PAGE_SUCCESS, values);
}

static int get_status(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {0};

	if (is_stranger(reply))
		return redirect(x, "login", false);
	if (!is_online(reply))
		return answer_trouble(x, reply, "status");
	return page_answer_session(x, reply, PAGE_STATUS, values);
}

static int logout_form(struct exchange *x, const struct mac *mac, unsigned int status, bool expired)
{
	struct template_value values[VALUES] = {[VALUE_EXPIRED] = {.text = expired ? "1" : ""}};
	char token[TOKEN_TEXT_MAX];

	token_make(x->site->secret, zone_of(x)->name, mac, x->now, token);
	values[VALUE_TOKEN].text = token;
	return page_answer(x, status, PAGE_LOGOUT, values, NULL);
}

static int get_logout(struct exchange *x, const struct web_reply *reply)
{
	if (is_stranger(reply))
		return redirect(x, "", false);
	if (!is_online(reply))
		return answer_trouble(x, reply, "logout");
	return logout_form(x, &reply->mac, 200, false);
}

static int post_logout(struct exchange *x, const struct web_reply *reply)
{
	if (is_stranger(reply))
		return redirect(x, "logged-out", false);
	if (x->asked == MSG_WEB_LOGOUT || !is_online(reply))
		return answer_trouble(x, reply, "logout");
	if (!token_is_ours(x, reply))
		return logout_form(x, &reply->mac, 403, true);
	return MSG_WEB_LOGOUT;
}

static int get_logged_out(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {[VALUE_DONE] = {.text = "1"}};

	if (is_online(reply))
		return redirect(x, "status", false);
	return page_answer(x, 200, PAGE_LOGOUT, values, NULL);
}

static int get_style(struct exchange *x, const struct web_reply *reply)
{
	(void)reply;
	return page_answer_file(x, "text/css; charset=utf-8", zone_of(x)->style,
				zone_of(x)->style_len);
}

static int get_logo(struct exchange *x, const struct web_reply *reply)
{
	const struct zone_site *zone = zone_of(x);

	(void)reply;
	if (!zone->logo)
		return answer_error(x, 404, VALUE_NOT_FOUND);
	return page_answer_file(x, zone->logo_type, zone->logo, zone->logo_len);
}

/* lookup: the engine is asked who the guest is before the handler runs.  A handler returns 0, a
 * question (a message type) after whose answer it is called again, or a negative errno. */
static const struct {
	int (*handle)(struct exchange *x, const struct web_reply *reply);
	bool lookup, form;
} handlers[] = {
	[ROUTE_LANDING] = {get_landing, true, false},
	[ROUTE_LOGIN] = {get_login, true, false},
	[ROUTE_LOGIN_POST] = {post_login, true, true},
	[ROUTE_SUCCESS] = {get_success, true, false},
	[ROUTE_STATUS] = {get_status, true, false},
	[ROUTE_LOGOUT] = {get_logout, true, false},
	[ROUTE_LOGOUT_POST] = {post_logout, true, true},
	[ROUTE_LOGGED_OUT] = {get_logged_out, true, false},
	[ROUTE_STYLE] = {get_style, false, false},
	[ROUTE_LOGO] = {get_logo, false, false},
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
	       !link_is_portal(x->parts.host, zone_of(x)->stranger.hostname, &x->local);
}

static void own_origin(const struct exchange *x, bool secure,
		       char ret_origin[static LINK_ORIGIN_MAX])
{
	if (secure && zone_of(x)->stranger.hostname)
		link_secure_origin(zone_of(x)->stranger.hostname, ret_origin);
	else
		link_origin(zone_of(x)->stranger.hostname, &x->local, ret_origin);
}

static int answer_misdirected(struct exchange *x)
{
	char origin[LINK_ORIGIN_MAX], link[LINK_LOGIN_MAX];

	if (!is_get(x))
		return answer_error(x, 421, VALUE_MISDIRECTED);
	own_origin(x, x->secure, origin);
	link_with_to(origin, "", "", link);
	return page_redirect(x, 302, link);
}

/* With a certificate, what a guest types and what is said about it go over TLS alone; the landing
 * page does not, for detectors of operating systems follow a redirect to it. */
static bool wants_tls(const struct exchange *x)
{
	return zone_of(x)->stranger.secure && !x->secure && handlers[x->route].lookup &&
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
	const struct answer_request req = {
		.method = x->method, .target = x->parts, .local = x->local};

	x->close = true;
	return answer_stranger(&req, &zone_of(x)->stranger, x->now, &x->response);
}

bool exchange_is_foreign(const struct exchange *x)
{
	struct link_target parts;

	link_split(x->target, x->host, &parts);
	return x->diverted && !link_is_portal(parts.host, zone_of(x)->stranger.hostname, &x->local);
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
		return answer_error(x, 404, VALUE_NOT_FOUND);
	if (x->body_too_large)
		return answer_error(x, 413, VALUE_TOO_LARGE);
	if (read_fields(x) < 0)
		return answer_error(x, 400, VALUE_BAD_REQUEST);
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
