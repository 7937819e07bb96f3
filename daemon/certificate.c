/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The portal's certificates: read whole with the configuration, checked, and given to the web workers
 * with their pages.  The file of a key is usually root's alone, and portald is not root any more
 * when it reads the configuration again: what it may not read is no error here.  At the start that
 * ends it (main.c); at a reload the pair that it has stays (config_reload.c).  The same goes for a
 * credential outside of the unit that has it: its path is then the value as it stands in the file.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/config_file.h"
#include "daemon/config_parse.h"

enum {
	KEY_ID_MAX = 64,
	CHAIN_MAX = 10,	  /* certificates that the web workers take */
	FEATURE_OCSP = 5, /* status_request, RFC 6066, 8 */
};

/* A pair that is being read, and where the file names it. */
struct reading {
	struct config_load *l;
	struct pair *pair;
	const struct zone_config *zone; /* NULL: of all zones */
};

int config_parse_certificate(struct config_load *l, const struct config_key *key, const char *value,
			     void *field)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	(void)key;
	if (!pair_is_credential(value))
		return config_resolve(l, value, field);
	const char *name = strchr(value, ':') + 1;

	if (!*name || strchr(name, '/'))
		return config_complain(l, "\"%s\" is no name of a credential", name);
	if (!folder)
		return config_set_text(field, value);
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= PATH_MAX)
		return config_complain(l, "the path is longer than the system allows");
	return config_set_text(field, path);
}

static void about(const struct reading *r, const char *key)
{
	r->l->line = config_line(r->l->config, r->zone, key);
	r->l->zone = r->zone ? r->zone->name : NULL;
	r->l->key = key;
}

/* 1: it may not be read (said nowhere). */
static int read_pem(struct config_load *l, const char *path, char **ret_text)
{
	size_t len;
	int r = pair_is_credential(path) ? -EACCES : config_read_regular(path, ret_text, &len);

	if (r == -EACCES || r == -EPERM)
		return 1;
	if (r == -EINVAL)
		return config_complain(l, "%s is no regular file", path);
	return r < 0 ? config_complain(l, "%s cannot be read: %s", path, strerror(-r)) : 0;
}

static int parse_chain(const struct reading *r, struct chain *ret_chain)
{
	const int e = chain_parse(r->pair->chain_pem, ret_chain);

	if (e == GNUTLS_E_CERTIFICATE_LIST_UNSORTED)
		return config_complain(r->l, "the certificates are not in order; first the "
					     "portal's own, then each one's issuer");
	if (e < 0)
		return config_complain(r->l, "there is no certificate in PEM in it: %s",
				       gnutls_strerror(e));
	if (ret_chain->count > CHAIN_MAX)
		return config_complain(r->l,
				       "there are more than %d certificates in it; leave out "
				       "what is not the portal's own and its issuers",
				       CHAIN_MAX);
	return 0;
}

static void cleanup_key(gnutls_x509_privkey_t *key)
{
	if (*key)
		gnutls_x509_privkey_deinit(*key);
}

static void check_key(const struct reading *r, const struct chain *chain)
{
	const char *pem = r->pair->key_pem;
	const gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned int)strlen(pem)};
	CLEANUP(cleanup_key) gnutls_x509_privkey_t key = NULL;
	unsigned char of_chain[KEY_ID_MAX], of_key[KEY_ID_MAX];
	size_t a = sizeof(of_chain), b = sizeof(of_key);
	int e = gnutls_x509_privkey_init(&key);

	if (e == 0)
		e = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (e < 0) {
		config_complain(r->l, "there is no key in PEM, without a password, in it: %s",
				gnutls_strerror(e));
		return;
	}
	if (gnutls_x509_crt_get_key_id(chain->certificates[0], GNUTLS_KEYID_USE_SHA256, of_chain,
				       &a) < 0 ||
	    gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &b) < 0 ||
	    a != b || memcmp(of_chain, of_key, a) != 0)
		config_complain(r->l, "it is the key of another certificate");
}

static bool demands_ocsp(gnutls_x509_crt_t certificate)
{
	gnutls_x509_tlsfeatures_t features;
	unsigned int critical, feature;
	bool found = false;

	if (gnutls_x509_tlsfeatures_init(&features) < 0)
		return false;
	if (gnutls_x509_crt_get_tlsfeatures(certificate, features, 0, &critical) == 0) {
		for (unsigned int i = 0; gnutls_x509_tlsfeatures_get(features, i, &feature) == 0;
		     i++)
			found = found || feature == FEATURE_OCSP;
	}
	gnutls_x509_tlsfeatures_deinit(features);
	return found;
}

/* Whether the last certificate names a place where its issuer can be had, and this host does not have
 * that issuer as a CA: then it is no root that devices have, and they would have to fetch it. */
static bool ends_early(gnutls_x509_crt_t last)
{
	gnutls_x509_trust_list_t roots;
	gnutls_x509_crt_t issuer;
	gnutls_datum_t uri = {0};

	if (gnutls_x509_crt_check_issuer(last, last) ||
	    gnutls_x509_crt_get_authority_info_access(last, 0, GNUTLS_IA_CAISSUERS_URI, &uri,
						      NULL) < 0)
		return false;
	gnutls_free(uri.data);
	if (gnutls_x509_trust_list_init(&roots, 0) < 0)
		return false;
	gnutls_x509_trust_list_add_system_trust(roots, 0, 0);
	const bool known = gnutls_x509_trust_list_get_issuer(roots, last, &issuer, 0) >= 0;

	gnutls_x509_trust_list_deinit(roots, 1);
	return !known;
}

static void check_pair(const struct reading *r)
{
	CLEANUP(chain_finish) struct chain chain = {0};
	struct pair *p = r->pair;

	about(r, "certificate");
	if (parse_chain(r, &chain) < 0)
		return;
	p->begin = gnutls_x509_crt_get_activation_time(chain.certificates[0]);
	p->end = gnutls_x509_crt_get_expiration_time(chain.certificates[0]);
	p->must_staple = demands_ocsp(chain.certificates[0]);
	p->open_chain = ends_early(chain.certificates[chain.count - 1]);
	if (r->l->config->advertise_api && pair_is_selfsigned(p))
		config_complain(r->l, "it is signed by itself, so devices do not trust it; set "
				      "advertise-api = no or get one from a public CA");
	about(r, "certificate-key");
	check_key(r, &chain);
	pair_find_hosts(p, &chain);
	if (p->ocsp)
		pair_read_ocsp(p, &chain);
}

static void read_pair(struct config_load *l, struct pair *p, const struct zone_config *zone)
{
	const struct reading r = {.l = l, .pair = p, .zone = zone};

	if (!p->certificate && !p->key && !p->ocsp)
		return;
	about(&r, p->certificate ? "certificate" : p->key ? "certificate-key" : "certificate-ocsp");
	if (!p->certificate || !p->key) {
		config_complain(
			l, "certificate and certificate-key belong together; add what is missing");
		return;
	}
	int e = read_pem(l, p->certificate, &p->chain_pem);

	about(&r, "certificate-key");
	if (e == 0)
		e = read_pem(l, p->key, &p->key_pem);
	if (e == 0)
		check_pair(&r);
	else
		pair_forget(p);
}

/* zone NULL: whatever has no name or certificate of its own.  Told at the key that the zone sets. */
static void check_name(struct config_load *l, const struct zone_config *zone, const char *name,
		       const struct pair *p)
{
	const struct reading r = {.l = l, .zone = zone};
	const bool own = !zone || zone->pair.certificate;

	about(&r, own ? "certificate" : "hostname");
	if (!name)
		config_complain(l, "a certificate needs the name that it is for; set hostname");
	else if (p->chain_pem && !pair_is_for(p, name) && own)
		config_complain(l, "it is not for %s; get one for the name in hostname", name);
	else if (p->chain_pem && !pair_is_for(p, name))
		config_complain(l,
				"the certificate of all zones is not for %s; give the zone a "
				"certificate of its own, or get one for both names",
				name);
}

void config_check_certificates(struct config_load *l)
{
	struct config *c = l->config;
	bool all = false; /* a zone depends on both global keys */

	read_pair(l, &c->pair, NULL);
	for (size_t i = 0; i < c->zone_count; i++) {
		struct zone_config *z = &c->zones[i];

		read_pair(l, &z->pair, z);

		const struct pair *p = config_pair(c, z);

		if (p && p->key && (z->pair.certificate || z->hostname))
			check_name(l, z, config_hostname(c, z), p);
		all = all || (!z->pair.certificate && !z->hostname);
	}
	if (c->pair.certificate && c->pair.key && all)
		check_name(l, NULL, c->hostname, &c->pair);
}
