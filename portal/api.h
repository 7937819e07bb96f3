/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The captive portal API (RFC 8908): a guest's own state, for its operating system. */
#pragma once

#include "portal/portal.h"

enum {
	API_TEXT_MAX = 4096, /* with its NUL: Android reads no more */
};

/* The handler of GET and HEAD (portal/portal.c).  0, or a negative errno if there can be no answer.
 */
int api_get(struct exchange *x, const struct web_reply *reply);
