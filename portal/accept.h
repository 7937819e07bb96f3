/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The request header Accept (RFC 9110, 12.5.1), as far as the captive portal API needs it. */
#pragma once

#include <stdbool.h>

/* Does it come from a browser, which names HTML and not the API's type?  accept NULL, empty or with
 * wildcards alone: no, it is the API's own client. */
bool accept_wants_page(const char *accept);
