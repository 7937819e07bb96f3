/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's names: one of all zones, or a zone's own. */
#include <ctype.h>
#include <string.h>

#include "daemon/config_parse.h"

enum {
	HOSTNAME_MAX = 253, /* RFC 1035, 2.3.4 */
	LABEL_MAX = 63,
};

/* RFC 1123, 2.1; a dotted IPv4 address passes as well. */
static bool is_hostname(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len == 0 || len > HOSTNAME_MAX || name[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)name[i];

		if (c == '.' ? label == 0 || name[i - 1] == '-'
			     : !isalnum(c) && (c != '-' || label == 0))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

int config_parse_hostname(struct config_load *l, const struct config_key *key, const char *value,
			  void *field)
{
	(void)key;
	if (!is_hostname(value))
		return config_complain(
			l,
			"\"%s\" is no host name; write it like portal.example.net, without "
			"http:// and without a port",
			value);
	return config_set_text(field, value);
}
