/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A URL for guests' devices: https, a host, and the characters of RFC 3986, 2 alone. */
#include <string.h>

#include "daemon/config_parse.h"

enum { URL_MAX = 512 /* bytes; the answers that carry one are small */ };

static bool is_url(const char *text)
{
	static const char scheme[] = "https://",
			  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~:/?#[]@!$&'()*+,;=%";
	const char *host = text + sizeof(scheme) - 1;

	return strncasecmp(text, scheme, sizeof(scheme) - 1) == 0 && strcspn(host, "/?#:@") > 0 &&
	       strspn(text, letters) == strlen(text) && strlen(text) <= URL_MAX;
}

int config_parse_url(struct config_load *l, const struct config_key *key, const char *value,
		     void *field)
{
	(void)key;
	if (!is_url(value))
		return config_complain(
			l,
			"\"%s\" is no address of a page; write it like "
			"\"https://example.org/\", with at most %d bytes, and others "
			"than letters, digits and signs as %%XX",
			value, URL_MAX);
	return config_set_text(field, value);
}
