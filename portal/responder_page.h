/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In queue mode, a stranger's request for the portal itself, which came to a foreign address because the
 * guest resolves the portal's name, or takes its address for a name, otherwise (ConnMan 1.41).
 */
#pragma once

#include "portal/responder_answer.h"
#include "portal/site.h"

/* As responder_answer(), but a GET for the portal itself gets the bytes that redirect mode sends, if the engine
 * need not be asked for them and they fit. */
int responder_page(const struct responder_request *req, struct site *site, const struct addr *local,
		   time_t now, char *buf, size_t size);
