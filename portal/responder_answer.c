/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/cleanup.h"
#include "portal/responder_answer.h"

static int answer_portal(const struct addr *gateway, time_t now, struct response *ret_response)
{
	char origin[LINK_ORIGIN_MAX], link[LINK_LOGIN_MAX];

	link_origin(NULL, gateway, origin);
	link_with_to(origin, "", "", link);
	response_init(ret_response, 302, true, now);
	response_add(ret_response, "Cache-Control", "no-store");
	int r = response_add_copy(ret_response, "Location", link);

	response_set_body(ret_response, NULL, 0);
	return r;
}

void responder_gateway_init(struct responder_gateway *g, const struct answer_zone *zone,
			    const struct addr *addr)
{
	g->addr = *addr;
	link_origin(zone->hostname, addr, g->origin);
}

bool responder_is_for_portal(const struct responder_request *req, const struct link_target *target,
			     const struct answer_zone *zone, const struct addr *gateway)
{
	return (strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0) &&
	       link_is_portal(target->host, zone->hostname, gateway);
}

int responder_answer(const struct responder_request *req, const struct link_target *target,
		     const struct answer_zone *zone, const struct responder_gateway *gateway,
		     time_t now, char *buf, size_t size)
{
	const struct answer_request ask = {
		.method = req->method, .target = target, .origin = gateway->origin};
	CLEANUP(response_finish) struct response response = {0};
	const bool head = strcmp(req->method, "HEAD") == 0;
	int r;

	if (responder_is_for_portal(req, target, zone, &gateway->addr))
		r = answer_portal(&gateway->addr, now, &response);
	else
		r = answer_stranger(&ask, zone, now, &response);
	return r < 0 ? r : response_write(&response, head, buf, size);
}
