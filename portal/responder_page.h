/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of queue mode, those of the portal's pages that need not ask the engine among them. */
#pragma once

#include "portal/responder_answer.h"
#include "portal/site.h"

/* As responder_answer(), but what is for the portal itself gets the bytes that redirect mode sends, if the engine
 * need not be asked for them and they fit. */
int responder_page(const struct responder_request *req, struct site *site,
		   const struct responder_gateway *gateway, time_t now, char *buf, size_t size);
