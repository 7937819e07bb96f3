/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way in: landing, login, success; files; and what all handlers share. */
#include <stdio.h>
#include <string.h>

#include "portal/handle.h"
#include "portal/page.h"

/* Seconds until a page that could not be answered tries again. */
#define RETRY_TEXT "5"

int handle_redirect(struct exchange *x, const char *path, bool with_to)
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
int handle_trouble(struct exchange *x, const struct web_reply *reply, const char *next)
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

int handle_error(struct exchange *x, unsigned int status, enum page_value what)
{
	struct template_value values[VALUES] = {[VALUE_NEXT] = {.text = "/"}};

	values[what].text = "1";
	return page_answer(x, status, PAGE_ERROR, values, NULL);
}

bool guest_is_online(const struct web_reply *reply)
{
	return reply && reply->state == GUEST_ONLINE;
}

/* Without a session, but with a MAC that a form can be made for */
bool guest_is_stranger(const struct web_reply *reply)
{
	return reply && (reply->state == GUEST_STRANGER || reply->state == GUEST_UNVERIFIED);
}

bool handle_token_is_ours(const struct exchange *x, const struct web_reply *reply)
{
	return token_check(x->site->secret, exchange_zone(x)->name, &reply->mac, x->now,
			   x->token) == 0;
}

/* An engine in trouble is no reason to refuse the landing page: detectors of operating systems want
 * to see 200. */
int handle_get_landing(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {[VALUE_NEXT] = {.text = "/login"}};
	char refresh[16];

	if (guest_is_online(reply))
		return handle_redirect(x, "status", false);
	snprintf(refresh, sizeof(refresh), "%u", (unsigned int)exchange_zone(x)->stranger.refresh);
	values[VALUE_REFRESH].text = refresh;
	return page_answer(x, 200, PAGE_LANDING, values, NULL);
}

/* wrong: VALUE_NOT_ACCEPTED, VALUE_EXPIRED, or VALUES for nothing */
static int login_form(struct exchange *x, const struct mac *mac, unsigned int status,
		      enum page_value wrong)
{
	const struct zone_site *zone = exchange_zone(x);
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

int handle_get_login(struct exchange *x, const struct web_reply *reply)
{
	if (guest_is_online(reply))
		return handle_redirect(x, "status", false);
	if (!guest_is_stranger(reply))
		return handle_trouble(x, reply, "login");
	return login_form(x, &reply->mac, 200, VALUES);
}

int handle_post_login(struct exchange *x, const struct web_reply *reply)
{
	if (guest_is_online(reply))
		return handle_redirect(x, x->asked == MSG_WEB_LOGIN ? "success" : "status",
				       x->asked == MSG_WEB_LOGIN);
	if (x->asked == MSG_WEB_LOGIN || !guest_is_stranger(reply))
		return handle_trouble(x, reply, "login");
	if (!handle_token_is_ours(x, reply))
		return login_form(x, &reply->mac, 403, VALUE_EXPIRED);
	if (!x->accepted)
		return login_form(x, &reply->mac, 200, VALUE_NOT_ACCEPTED);
	return MSG_WEB_LOGIN;
}

int handle_get_success(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {0};
	char host[LINK_HOST_MAX];

	if (guest_is_stranger(reply))
		return handle_redirect(x, "login", true);
	if (!guest_is_online(reply))
		return handle_trouble(x, reply, "success");
	link_host(x->to, host);
	values[VALUE_TO].text = x->to;
	values[VALUE_TO_HOST].text = host;
	return page_answer_session(x, 200, reply, PAGE_SUCCESS, values);
}

int handle_get_style(struct exchange *x, const struct web_reply *reply)
{
	(void)reply;
	return page_answer_file(x, "text/css; charset=utf-8", exchange_zone(x)->style,
				exchange_zone(x)->style_len);
}

int handle_get_logo(struct exchange *x, const struct web_reply *reply)
{
	const struct zone_site *zone = exchange_zone(x);

	(void)reply;
	if (!zone->logo)
		return handle_error(x, 404, VALUE_NOT_FOUND);
	return page_answer_file(x, zone->logo_type, zone->logo, zone->logo_len);
}
