/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address to listen on: "127.0.0.1:9273", "[::1]:9273". */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_parse.h"

/* Digits and nothing else.  -ERANGE: no port has this number. */
static int parse_port(const char *text, uint16_t *ret_port)
{
	const unsigned long n = strtoul(text, NULL, 10);

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	if (n < 1 || n > UINT16_MAX)
		return -ERANGE;
	*ret_port = (uint16_t)n;
	return 0;
}

int config_listen_parse(const char *text, struct addr *ret_addr)
{
	const bool v6 = text[0] == '[';
	const char *colon = strrchr(text, ':');
	const size_t len = colon ? (size_t)(colon - text) : 0;
	struct addr addr = {.family = v6 ? 6 : 4};
	char host[ADDR_TEXT_MAX + 2];

	if (len < 3 || len >= sizeof(host) || (v6 && colon[-1] != ']'))
		return -EINVAL;
	memcpy(host, text + v6, len - 2 * v6);
	host[len - 2 * v6] = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, host, addr.b) != 1)
		return -EINVAL;
	int r = parse_port(colon + 1, &addr.port);

	if (r == 0)
		*ret_addr = addr;
	return r;
}

int config_parse_listen(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	struct addr addr;

	int r = config_listen_parse(value, &addr);

	(void)key;
	if (r == -ERANGE)
		return config_complain(l, "the port must be between 1 and %u, not %s", UINT16_MAX,
				       strrchr(value, ':') + 1);
	if (r < 0)
		return config_complain(
			l,
			"\"%s\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"",
			value);
	return config_set_text(field, value);
}
