/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether DHCP and router advertisements may name the captive portal API (RFC 8910).  A device that
 * is told of an API asks it in place of its probes, and some then notice no portal at all if they
 * do not trust the certificate: so only the administrator, who knows, turns it on.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/config_private.h"

static const char before_name[] = "https://", behind_name[] = "/api";

enum {
	NAME_MAX_OF_API = CONFIG_API_URI_MAX - (sizeof(before_name) - 1) - (sizeof(behind_name) - 1)
};

int config_parse_yes(struct config_load *l, const struct config_key *key, const char *value,
		     void *field)
{
	const bool yes = strcmp(value, "yes") == 0;

	(void)key;
	if (!yes && strcmp(value, "no") != 0)
		return config_complain(l, "\"%s\" is not known; use yes or no", value);
	*(uint32_t *)field = yes;
	return 0;
}

/* What URIs take for an IPv4 address, short forms too; a hostname is never an IPv6 address. */
static bool is_address(const char *name)
{
	struct in_addr addr;

	return inet_aton(name, &addr);
}

void config_check_api(struct config_load *l)
{
	const struct config *c = l->config;

	if (!c->advertise_api)
		return;
	l->line = config_line(c, NULL, "advertise-api");
	l->zone = NULL;
	l->key = "advertise-api";
	if (!c->certificate || !c->certificate_key || !c->hostname)
		config_complain(l, "devices ask the API over https alone; set hostname, "
				   "certificate and certificate-key as well");
	else if (is_address(c->hostname))
		config_complain(l, "%s is an address, and devices want a name; set hostname to one",
				c->hostname);
	else if (strlen(c->hostname) > NAME_MAX_OF_API)
		config_complain(l, "hostname is too long for DHCP; use one of at most %d bytes",
				(int)NAME_MAX_OF_API);
}

const char *config_api_uri(const struct config *c, char text[static CONFIG_API_URI_MAX + 1],
			   const char **ret_why)
{
	const struct {
		bool lacking;
		const char *why;
	} needs[] = {
		{!c->certificate,
		 "the portal has no certificate, and devices ask the API over https alone"},
		{!c->advertise_api, "advertise-api is no in portald.conf; set it to yes if "
				    "guests' devices trust the portal's certificate"},
		{!c->chain_pem, "the certificate could not be read; see the log of portald"},
		{c->certificate_end < time(NULL), "the certificate has expired; renew it"},
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		*ret_why = needs[i].why;
		if (needs[i].lacking)
			return NULL;
	}
	*ret_why = NULL;
	snprintf(text, CONFIG_API_URI_MAX + 1, "%s%s%s", before_name, c->hostname, behind_name);
	return text;
}
