/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "portal/portal.h"
#include "portal/responder_page.h"

/* -ENOENT: only the engine knows. */
static int get(struct exchange *x, bool head, char *buf, size_t size)
{
	int r = exchange_begin(x);

	/* this page is the same for every stranger, and is there without the engine as well */
	if (r > 0 && x->route == ROUTE_LANDING)
		r = exchange_continue(x, NULL);
	if (r == 0)
		return response_write(&x->response, head, buf, size);
	return r > 0 ? -ENOENT : r;
}

int responder_page(const struct responder_request *req, struct site *site, const struct addr *local,
		   time_t now, char *buf, size_t size)
{
	const bool head = strcmp(req->method, "HEAD") == 0;
	struct exchange x = {.site = site_ref(site),
			     .zone = req->zone,
			     .diverted = true,
			     .local = *local,
			     .method = req->method,
			     .target = req->target,
			     .host = req->host,
			     .now = now};
	int r = -ENOENT;

	if ((head || strcmp(req->method, "GET") == 0) && !exchange_is_foreign(&x))
		r = get(&x, head, buf, size);
	if (r == -ENOENT || r == -E2BIG)
		r = responder_answer(req, &exchange_zone(&x)->stranger, local, now, buf, size);
	exchange_finish(&x);
	return r;
}
