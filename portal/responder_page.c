/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "portal/portal.h"
#include "portal/responder_page.h"

/* -ENOENT: only the engine knows. */
static int run(struct exchange *x, char *buf, size_t size)
{
	int r = exchange_begin(x);

	/* this page is the same for every stranger, and is there without the engine as well */
	if (r > 0 && x->route == ROUTE_LANDING)
		r = exchange_continue(x, NULL);
	if (r == 0)
		r = response_write(&x->response, strcmp(x->method, "HEAD") == 0, buf, size);
	else if (r > 0)
		r = -ENOENT;
	exchange_finish(x);
	return r;
}

int responder_page(const struct responder_request *req, struct site *site,
		   const struct responder_gateway *gateway, time_t now, char *buf, size_t size)
{
	const struct answer_zone *zone = &site->zones[req->zone].stranger;
	struct link_target target;
	int r = -ENOENT;

	link_split(req->target, req->host, &target);
	if (responder_is_for_portal(req, &target, zone, &gateway->addr))
		r = run(&(struct exchange){.site = site_ref(site),
					   .zone = req->zone,
					   .diverted = true,
					   .local = gateway->addr,
					   .method = req->method,
					   .target = req->target,
					   .host = req->host,
					   .now = now},
			buf, size);
	if (r == -ENOENT || r == -E2BIG)
		r = responder_answer(req, &target, zone, gateway, now, buf, size);
	return r;
}
