/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters are not looked at, the quality among them: nobody names a type to say that it is
 * unwanted.  A comma in a quoted parameter ends the range; the worst is one answer of two that are
 * both for this guest.
 */
#include <string.h>

#include "portal/accept.h"

static bool is_type(const char *range, size_t len, const char *type)
{
	return len == strlen(type) && strncasecmp(range, type, len) == 0;
}

static bool is_api(const char *range, size_t len)
{
	return is_type(range, len, "application/captive+json") ||
	       is_type(range, len, "application/capport+json") || /* RFC 8910, 2 */
	       is_type(range, len, "application/json");
}

bool accept_wants_page(const char *accept)
{
	bool page = false;

	while (accept && *accept) {
		const char *range = accept + strspn(accept, ", \t");
		const size_t len = strcspn(range, ",; \t");

		if (is_api(range, len))
			return false;
		page |= is_type(range, len, "text/html") ||
			is_type(range, len, "application/xhtml+xml");
		accept = range + strcspn(range, ",");
	}
	return page;
}
