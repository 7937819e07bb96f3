/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/page.h"
#include "portal/units.h"

static void begin(struct exchange *x, unsigned int status, const char *type, const char *cache)
{
	static const struct response_header security[] = {
		{"Content-Security-Policy",
		 "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
		 "frame-ancestors 'none'; base-uri 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
	};

	response_init(&x->response, status, x->close, x->now);
	response_add(&x->response, "Content-Type", type);
	response_add(&x->response, "Cache-Control", cache);
	if (x->negotiated)
		response_add(&x->response, "Vary", "Accept");
	for (size_t i = 0; i < sizeof(security) / sizeof(security[0]); i++)
		response_add(&x->response, security[i].name, security[i].value);
}

static void begin_page(struct exchange *x, unsigned int status)
{
	begin(x, status, "text/html; charset=utf-8", "no-store");
}

static int end_page(struct exchange *x, enum page_id page, struct template_value *values)
{
	const struct zone_site *zone = &x->site->zones[x->zone];
	char *body;
	size_t len;

	values[VALUE_LANG].text = zone->stranger.lang;
	values[VALUE_DIR].text = zone->stranger.dir;
	values[VALUE_VENUE].text = zone->stranger.title;
	values[VALUE_LOGO].text = zone->logo ? "1" : "";
	values[VALUE_PLAIN].text = x->secure ? "" : "1";
	int r = template_render(zone->pages[page], values, &body, &len);

	if (r < 0)
		return r;
	response_set_body(&x->response, body, len);
	return 0;
}

int page_answer(struct exchange *x, unsigned int status, enum page_id page,
		struct template_value *values, const char *retry_after)
{
	begin_page(x, status);
	if (retry_after)
		response_add(&x->response, "Retry-After", retry_after);
	return end_page(x, page, values);
}

/* The four values of a duration stand behind each other, days first; not set: it is none. */
static void set_duration(struct template_value *values, enum page_value days,
			 const struct duration *d)
{
	values[days].text = d->days;
	values[days + 1].text = d->hours;
	values[days + 2].text = d->minutes;
	values[days + 3].text = d->seconds;
}

_Static_assert(VALUE_LEFT_SECONDS == VALUE_LEFT_DAYS + 3, "behind each other");
_Static_assert(VALUE_USED_SECONDS == VALUE_USED_DAYS + 3, "behind each other");
_Static_assert(VALUE_MORE_SECONDS == VALUE_MORE_DAYS + 3, "behind each other");

int page_answer_session(struct exchange *x, unsigned int status, const struct web_reply *reply,
			enum page_id page, struct template_value *values)
{
	const double whole = (double)reply->seconds_left + (double)reply->seconds_used;
	struct duration left, used, more;
	struct amount down, up, data_left;
	char percent[16];

	units_duration(reply->seconds_left, &left);
	units_duration(reply->seconds_used, &used);
	units_duration(reply->seconds_extended, &more);
	units_bytes(reply->bytes_down, &down);
	units_bytes(reply->bytes_up, &up);
	units_bytes(reply->bytes_left, &data_left);
	snprintf(percent, sizeof(percent), "%.0f",
		 whole > 0 ? 100.0 * (double)reply->seconds_left / whole : 0.0);
	set_duration(values, VALUE_LEFT_DAYS, &left);
	set_duration(values, VALUE_USED_DAYS, &used);
	set_duration(values, VALUE_MORE_DAYS, &more);
	values[VALUE_LEFT_PERCENT].text = percent;
	values[VALUE_ENDLESS].text = reply->seconds_left == UINT64_MAX ? "1" : "";
	values[VALUE_EXTEND].text = reply->seconds_extended ? "1" : "";
	if (reply->bytes_left != UINT64_MAX) {
		values[VALUE_DATA_LEFT].text = data_left.number;
		values[VALUE_DATA_LEFT_UNIT].text = data_left.unit;
	}
	values[VALUE_DOWN].text = down.number;
	values[VALUE_DOWN_UNIT].text = down.unit;
	values[VALUE_UP].text = up.number;
	values[VALUE_UP_UNIT].text = up.unit;
	return page_answer(x, status, page, values, NULL);
}

static int end_copy(struct exchange *x, const char *data, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	response_set_body(&x->response, copy, len);
	return 0;
}

int page_answer_file(struct exchange *x, const char *type, const char *data, size_t len)
{
	/* short: a venue that changes its colours wants to see them */
	begin(x, 200, type, "private, max-age=60");
	return end_copy(x, data, len);
}

int page_answer_text(struct exchange *x, unsigned int status, const char *type, const char *text)
{
	begin(x, status, type, "no-store");
	return end_copy(x, text, strlen(text));
}

int page_redirect(struct exchange *x, unsigned int status, const char *link)
{
	struct template_value values[VALUES] = {
		[VALUE_NEXT] = {.text = link}, [VALUE_REFRESH] = {.text = "0"}};

	begin_page(x, status);
	int r = response_add_copy(&x->response, "Location", link);

	return r < 0 ? r : end_page(x, PAGE_LANDING, values);
}

int page_not_allowed(struct exchange *x, const char *allow)
{
	struct template_value values[VALUES] = {
		[VALUE_NEXT] = {.text = "/"},
		[VALUE_NOT_ALLOWED] = {.text = "1"},
	};

	begin_page(x, 405);
	response_add(&x->response, "Allow", allow);
	return end_page(x, PAGE_ERROR, values);
}
