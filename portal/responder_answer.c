/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "portal/responder_answer.h"

struct text {
	char *at, *end;
	bool cut;
};

static void add(struct text *t, const char *data, size_t len)
{
	if ((size_t)(t->end - t->at) < len) {
		t->cut = true;
		return;
	}
	if (len > 0)
		memcpy(t->at, data, len);
	t->at += len;
}

static void add_text(struct text *t, const char *text)
{
	add(t, text, strlen(text));
}

static int write_response(const struct response *r, bool head, char *buf, size_t size)
{
	struct text t = {buf, buf + size, false};
	char status[32];

	snprintf(status, sizeof(status), "HTTP/1.1 %u ", r->status);
	add_text(&t, status);
	add_text(&t, r->reason);
	for (size_t i = 0; i < r->header_count; i++) {
		add_text(&t, "\r\n");
		add_text(&t, r->headers[i].name);
		add_text(&t, ": ");
		add_text(&t, r->headers[i].value);
	}
	add_text(&t, "\r\n\r\n");
	if (!head)
		add(&t, r->body, r->body_len);
	return t.cut ? -E2BIG : (int)(t.at - buf);
}

static int answer_portal(const struct addr *local, time_t now, struct response *ret_response)
{
	char origin[LINK_ORIGIN_MAX];

	link_origin(NULL, local, origin);
	response_init(ret_response, 302, true, now);
	response_add(ret_response, "Cache-Control", "no-store");
	int r = response_addf(ret_response, "Location", "%s/", origin);

	response_set_body(ret_response, NULL, 0);
	return r;
}

int responder_answer(const struct responder_request *req, const struct answer_zone *zone,
		     const struct addr *local, time_t now, char *buf, size_t size)
{
	CLEANUP(response_finish) struct response response = {0};
	struct answer_request ask = {.method = req->method, .local = *local};
	const bool head = strcmp(req->method, "HEAD") == 0;
	int r;

	link_split(req->target, req->host, &ask.target);
	if ((head || strcmp(req->method, "GET") == 0) &&
	    link_is_portal(ask.target.host, zone->hostname, local))
		r = answer_portal(local, now, &response);
	else
		r = answer_stranger(&ask, zone, now, &response);
	return r < 0 ? r : write_response(&response, head, buf, size);
}
