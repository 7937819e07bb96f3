/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/cleanup.h"
#include "portal/responder_answer.h"

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

bool responder_is_for_portal(const struct responder_request *req, const struct answer_zone *zone,
			     const struct addr *local)
{
	struct link_target target;

	if (strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0)
		return false;
	link_split(req->target, req->host, &target);
	return link_is_portal(target.host, zone->hostname, local);
}

int responder_answer(const struct responder_request *req, const struct answer_zone *zone,
		     const struct addr *local, time_t now, char *buf, size_t size)
{
	CLEANUP(response_finish) struct response response = {0};
	struct answer_request ask = {.method = req->method, .local = *local};
	const bool head = strcmp(req->method, "HEAD") == 0;
	int r;

	if (responder_is_for_portal(req, zone, local)) {
		r = answer_portal(local, now, &response);
	} else {
		link_split(req->target, req->host, &ask.target);
		r = answer_stranger(&ask, zone, now, &response);
	}
	return r < 0 ? r : response_write(&response, head, buf, size);
}
