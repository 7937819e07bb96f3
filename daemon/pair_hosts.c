/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hosts that a device asks whether a certificate was revoked, before it trusts the login page: they must be open to
 * strangers.  A responder that is named with http may send the device on to https, so both are open then.
 */
#include <stdio.h>
#include <string.h>

#include "common/garden_name.h"
#include "daemon/pair.h"

enum { URI_MAX = 512 };

static void add(struct pair *p, const char *name, unsigned int port)
{
	const size_t used = strlen(p->hosts);
	char entry[GARDEN_TEXT_MAX];
	int n = snprintf(entry, sizeof(entry), " %s:%u/tcp", name, port);

	/* each certificate of a chain may name the same */
	if (n < 0 || (size_t)n >= sizeof(entry) || strstr(p->hosts, entry) ||
	    used + (size_t)n >= sizeof(p->hosts))
		return;
	memcpy(p->hosts + used, entry, (size_t)n + 1);
}

/* uri: with its NUL; URIs of other schemes, and with an address in place of a name, are passed over. */
static void add_uri(struct pair *p, const char *uri)
{
	const bool secure = strncmp(uri, "https://", 8) == 0;
	struct garden_name host = {0};
	char name[GARDEN_NAME_MAX];
	unsigned int port = 0;

	if (!secure && strncmp(uri, "http://", 7) != 0)
		return;
	uri += secure ? 8 : 7;
	if (sscanf(uri, "%253[^:/?#]:%5u", name, &port) < 1 || port > UINT16_MAX ||
	    !garden_name_read(name, &host) || host.below)
		return;
	if (port)
		add(p, host.name, port);
	if (!port && !secure)
		add(p, host.name, 80);
	if (!port)
		add(p, host.name, 443);
}

static void add_responders(struct pair *p, gnutls_x509_crt_t certificate)
{
	gnutls_datum_t uri;

	for (unsigned int i = 0; gnutls_x509_crt_get_authority_info_access(
					 certificate, i, GNUTLS_IA_OCSP_URI, &uri, NULL) >= 0;
	     i++) {
		char text[URI_MAX];

		snprintf(text, sizeof(text), "%.*s", (int)uri.size, uri.data);
		gnutls_free(uri.data);
		add_uri(p, text);
	}
}

static void add_lists(struct pair *p, gnutls_x509_crt_t certificate)
{
	for (unsigned int i = 0;; i++) {
		char text[URI_MAX] = "";
		size_t size = sizeof(text) - 1;
		int type = gnutls_x509_crt_get_crl_dist_points(certificate, i, text, &size, NULL,
							       NULL);

		if (type == GNUTLS_SAN_URI)
			add_uri(p, text);
		else if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
	}
}

void pair_find_hosts(struct pair *p, const struct chain *chain)
{
	p->hosts[0] = '\0';
	for (unsigned int i = 0; i < chain->count; i++) {
		add_responders(p, chain->certificates[i]);
		add_lists(p, chain->certificates[i]);
	}
}
