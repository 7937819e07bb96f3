/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is online: its session, more time, and the way out. */
#include "portal/handle.h"
#include "portal/page.h"

/* note: VALUE_EXPIRED, VALUE_EXTENDED, or VALUES for nothing */
static int answer_status(struct exchange *x, const struct web_reply *reply, unsigned int status,
			 enum page_value note)
{
	struct template_value values[VALUES] = {0};
	char token[TOKEN_TEXT_MAX];

	token_make(x->site->secret, exchange_zone(x)->name, &reply->mac, x->now, token);
	values[VALUE_TOKEN].text = token;
	if (note != VALUES)
		values[note].text = "1";
	return page_answer_session(x, status, reply, PAGE_STATUS, values);
}

int handle_get_status(struct exchange *x, const struct web_reply *reply)
{
	if (guest_is_stranger(reply))
		return handle_redirect(x, "login", false);
	if (!guest_is_online(reply))
		return handle_trouble(x, reply, "status");
	return answer_status(x, reply, 200, VALUES);
}

/* Where a form is led that came in the clear. */
int handle_get_extend(struct exchange *x, const struct web_reply *reply)
{
	(void)reply;
	return handle_redirect(x, "status", false);
}

int handle_post_extend(struct exchange *x, const struct web_reply *reply)
{
	if (guest_is_stranger(reply))
		return handle_redirect(x, "login", false);
	if (!guest_is_online(reply))
		return handle_trouble(x, reply, "status");
	if (x->asked == MSG_WEB_EXTEND)
		return handle_redirect(x, "extended", false);
	if (!handle_token_is_ours(x, reply))
		return answer_status(x, reply, 403, VALUE_EXPIRED);
	return reply->seconds_extended ? MSG_WEB_EXTEND : handle_redirect(x, "status", false);
}

/* The page of the status.  Loaded again after a while it says so no more. */
int handle_get_extended(struct exchange *x, const struct web_reply *reply)
{
	if (!guest_is_online(reply) || reply->seconds_extended)
		return handle_get_status(x, reply);
	return answer_status(x, reply, 200, VALUE_EXTENDED);
}

static int logout_form(struct exchange *x, const struct mac *mac, unsigned int status, bool expired)
{
	struct template_value values[VALUES] = {[VALUE_EXPIRED] = {.text = expired ? "1" : ""}};
	char token[TOKEN_TEXT_MAX];

	token_make(x->site->secret, exchange_zone(x)->name, mac, x->now, token);
	values[VALUE_TOKEN].text = token;
	return page_answer(x, status, PAGE_LOGOUT, values, NULL);
}

int handle_get_logout(struct exchange *x, const struct web_reply *reply)
{
	if (guest_is_stranger(reply))
		return handle_redirect(x, "", false);
	if (!guest_is_online(reply))
		return handle_trouble(x, reply, "logout");
	return logout_form(x, &reply->mac, 200, false);
}

int handle_post_logout(struct exchange *x, const struct web_reply *reply)
{
	if (guest_is_stranger(reply))
		return handle_redirect(x, "logged-out", false);
	if (x->asked == MSG_WEB_LOGOUT || !guest_is_online(reply))
		return handle_trouble(x, reply, "logout");
	if (!handle_token_is_ours(x, reply))
		return logout_form(x, &reply->mac, 403, true);
	return MSG_WEB_LOGOUT;
}

int handle_get_logged_out(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {[VALUE_DONE] = {.text = "1"}};

	if (guest_is_online(reply))
		return handle_redirect(x, "status", false);
	return page_answer(x, 200, PAGE_LOGOUT, values, NULL);
}
