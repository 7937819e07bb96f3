/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Invariants: nobody learns a guest's state but the guest, and that over TLS with the portal's name
 * in the certificate (RFC 8908, 4); what cannot be said for certain is not said; no answer is
 * stored by anybody.  A browser gets the page in place of the state (RFC 8910, 2).
 *
 * The object is written by hand: it is flat, has a handful of keys, and a JSON library would be one
 * more parser in the process that strangers speak to.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "portal/accept.h"
#include "portal/api.h"
#include "portal/page.h"

enum { URL_MAX = LINK_ORIGIN_MAX + sizeof("/status") };

struct json {
	char text[API_TEXT_MAX];
	size_t len;
	bool full; /* text is not the whole */
};

static void put(struct json *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct json *j, const char *fmt, ...)
{
	const size_t room = sizeof(j->text) - j->len;
	va_list args;

	va_start(args, fmt);
	const int len = vsnprintf(j->text + j->len, room, fmt, args);

	va_end(args);
	if (len < 0 || (size_t)len >= room)
		j->full = true;
	else
		j->len += (size_t)len;
}

/* Begins a member; the value is to follow. */
static void put_key(struct json *j, const char *key)
{
	put(j, "%s\"%s\":", j->len == 0 ? "{" : ",", key);
}

static void put_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	put(j, "%s", value ? "true" : "false");
}

static void put_number(struct json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	put(j, "%" PRIu64, value);
}

/* RFC 8259, 7 */
static void put_text(struct json *j, const char *key, const char *value)
{
	put_key(j, key);
	put(j, "\"");
	for (; *value; value++) {
		if (strchr("\"\\", *value))
			put(j, "\\%c", *value);
		else if ((unsigned char)*value < 0x20)
			put(j, "\\u%04x", (unsigned int)*value);
		else
			put(j, "%c", *value);
	}
	put(j, "\"");
}

/* The status of an answer without a state; 0: there is one to tell. */
static unsigned int refusal(const struct web_reply *reply)
{
	static const unsigned int statuses[] = {
		[GUEST_NO_DEVICE] = 403, /* whose state would it be? */
		[GUEST_UNVERIFIED] = 403,
		[GUEST_FAILED] = 503,
	};

	if (!reply)
		return 503;
	return reply->state < sizeof(statuses) / sizeof(statuses[0]) ? statuses[reply->state] : 503;
}

/* Only a trusted device has no end.  "can-extend-session" is also true when the status page has no
 * button yet, since too little of the time is used.  The venue's page is named to those who can open it. */
static void put_session(struct json *j, const struct web_reply *reply, const char *venue)
{
	if (venue)
		put_text(j, "venue-info-url", venue);
	put_bool(j, "can-extend-session", reply->can_extend != 0);
	if (reply->seconds_left != UINT64_MAX)
		put_number(j, "seconds-remaining", reply->seconds_left);
	if (reply->bytes_left != UINT64_MAX)
		put_number(j, "bytes-remaining", reply->bytes_left);
}

/* Captive is whoever has no session, also a device that may have none. */
static int answer_state(struct exchange *x, const struct web_reply *reply, const char *url)
{
	const bool online = reply->state == GUEST_ONLINE;
	struct json j = {0};

	put_bool(&j, "captive", !online);
	put_text(&j, "user-portal-url", url);
	if (online)
		put_session(&j, reply, x->site->zones[x->zone].venue_info_url);
	put(&j, "}");
	if (j.full)
		return -E2BIG;
	return page_answer_text(x, 200, "application/captive+json", j.text);
}

int api_get(struct exchange *x, const struct web_reply *reply)
{
	struct template_value values[VALUES] = {
		[VALUE_NEXT] = {.text = "/"}, [VALUE_NOT_FOUND] = {.text = "1"}};
	char origin[LINK_ORIGIN_MAX], url[URL_MAX];
	const unsigned int status = refusal(reply);
	const char *hostname = x->site->zones[x->zone].stranger.hostname;

	x->negotiated = true;
	if (!x->secure || !hostname)
		return page_answer(x, 404, PAGE_ERROR, values, NULL);
	link_secure_origin(hostname, origin);
	snprintf(url, sizeof(url), "%s/%s", origin,
		 reply && reply->state == GUEST_ONLINE ? "status" : "login");
	if (accept_wants_page(x->accept))
		return page_redirect(x, 302, url);
	if (status != 0) {
		x->close = true; /* the next try wants a connection that is looked at anew */
		return page_answer_text(x, status, "text/plain", "");
	}
	return answer_state(x, reply, url);
}
