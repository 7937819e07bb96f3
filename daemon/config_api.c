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

#include "daemon/config_parse.h"

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

static bool has_tls(const struct config *c, const struct zone_config *zone)
{
	const struct pair *p = config_pair(c, zone);

	return p && p->key && config_hostname(c, zone);
}

static void check_name(struct config_load *l, const char *name)
{
	if (is_address(name))
		config_complain(l, "%s is an address, and devices want a name; set hostname to one",
				name);
	else if (strlen(name) > NAME_MAX_OF_API)
		config_complain(l, "hostname is too long for DHCP; use one of at most %d bytes",
				(int)NAME_MAX_OF_API);
}

/* Zones without a certificate have no API, and nothing is advertised there. */
void config_check_api(struct config_load *l)
{
	const struct config *c = l->config;
	const char *last = NULL;
	bool any = false;

	if (!c->advertise_api)
		return;
	l->line = config_line(c, NULL, "advertise-api");
	l->zone = NULL;
	l->key = "advertise-api";
	for (size_t i = 0; i < c->zone_count; i++) {
		const char *name = config_hostname(c, &c->zones[i]);

		if (!has_tls(c, &c->zones[i]))
			continue;
		any = true;
		if (name != last)
			check_name(l, name);
		last = name;
	}
	if (!any)
		config_complain(l, "devices ask the API over https alone; set hostname, "
				   "certificate and certificate-key as well");
}

const char *config_api_uri(const struct config *c, const struct zone_config *zone,
			   char text[static CONFIG_API_URI_MAX + 1], const char **ret_why)
{
	const struct pair *p = config_pair(c, zone);
	const struct {
		bool lacking;
		const char *why;
	} needs[] = {
		{!p, "the portal has no certificate, and devices ask the API over https alone"},
		{!c->advertise_api, "advertise-api is no in portald.conf; set it to yes if "
				    "guests' devices trust the portal's certificate"},
		{p && !p->chain_pem, "the certificate could not be read; see the log of portald"},
		{p && p->end < time(NULL), "the certificate has expired; renew it"},
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		*ret_why = needs[i].why;
		if (needs[i].lacking)
			return NULL;
	}
	*ret_why = NULL;
	snprintf(text, CONFIG_API_URI_MAX + 1, "%s%s%s", before_name, config_hostname(c, zone),
		 behind_name);
	return text;
}
