/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The portal's certificate: read whole with the configuration, checked, and given to the web workers
 * with their pages.  The file of the key is usually root's alone, and portald is not root any more
 * when it reads the configuration again: what it may not read is no error here.  At the start that
 * ends it (main.c); at a reload the pair that it has stays.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "common/cleanup.h"
#include "daemon/certificate.h"
#include "daemon/config_file.h"
#include "daemon/config_private.h"

enum {
	KEY_ID_MAX = 64,
	WARN_DAYS = 14,
	DAY = 86400, /* seconds */
};

int config_parse_certificate(struct config_load *l, const struct config_key *key, const char *value,
			     void *field)
{
	static const char prefix[] = "credential:";
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	(void)key;
	if (strncmp(value, prefix, sizeof(prefix) - 1) != 0)
		return config_resolve(l, value, field);
	value += sizeof(prefix) - 1;
	if (!*value || strchr(value, '/'))
		return config_complain(l, "\"%s\" is no name of a credential", value);
	if (!folder)
		return config_complain(l, "there are no credentials: CREDENTIALS_DIRECTORY is not "
					  "set; add LoadCredential= to the unit");
	if (snprintf(path, sizeof(path), "%s/%s", folder, value) >= PATH_MAX)
		return config_complain(l, "the path is longer than the system allows");
	return config_set_text(field, path);
}

struct pair {
	gnutls_x509_crt_t *chain;
	unsigned int count;
	gnutls_x509_privkey_t key;
};

static void pair_finish(struct pair *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		gnutls_x509_crt_deinit(p->chain[i]);
	gnutls_free(p->chain);
	if (p->key)
		gnutls_x509_privkey_deinit(p->key);
}

static void about(struct config_load *l, const char *key)
{
	l->line = config_line(l->config, NULL, key);
	l->zone = NULL;
	l->key = key;
}

/* 1: it may not be read (said nowhere). */
static int read_pem(struct config_load *l, const char *path, char **ret_text)
{
	struct stat st;
	size_t len;
	int r = stat(path, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;

	if (r == 0)
		r = config_read_file(path, ret_text, &len);
	if (r == -EACCES || r == -EPERM)
		return 1;
	if (r == -EINVAL)
		return config_complain(l, "%s is no regular file", path);
	return r < 0 ? config_complain(l, "%s cannot be read: %s", path, strerror(-r)) : 0;
}

static int parse_chain(struct config_load *l, const char *pem, struct pair *p)
{
	const gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned int)strlen(pem)};
	int r = gnutls_x509_crt_list_import2(&p->chain, &p->count, &data, GNUTLS_X509_FMT_PEM,
					     GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);

	if (r == GNUTLS_E_CERTIFICATE_LIST_UNSORTED)
		return config_complain(l, "the certificates are not in order; first the portal's "
					  "own, then each one's issuer");
	return r < 0 ? config_complain(l, "there is no certificate in PEM in it: %s",
				       gnutls_strerror(r))
		     : 0;
}

static int parse_key(struct config_load *l, const char *pem, struct pair *p)
{
	const gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned int)strlen(pem)};
	int r = gnutls_x509_privkey_init(&p->key);

	if (r == 0)
		r = gnutls_x509_privkey_import2(p->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	return r < 0 ? config_complain(l, "there is no key in PEM, without a password, in it: %s",
				       gnutls_strerror(r))
		     : 0;
}

static bool belong_together(const struct pair *p)
{
	unsigned char of_chain[KEY_ID_MAX], of_key[KEY_ID_MAX];
	size_t a = sizeof(of_chain), b = sizeof(of_key);

	return gnutls_x509_crt_get_key_id(p->chain[0], GNUTLS_KEYID_USE_SHA256, of_chain, &a) ==
		       0 &&
	       gnutls_x509_privkey_get_key_id(p->key, GNUTLS_KEYID_USE_SHA256, of_key, &b) == 0 &&
	       a == b && memcmp(of_chain, of_key, a) == 0;
}

static void check_pair(struct config_load *l)
{
	CLEANUP(pair_finish) struct pair p = {0};
	struct config *c = l->config;

	about(l, "certificate");
	if (parse_chain(l, c->chain_pem, &p) < 0)
		return;
	c->certificate_end = gnutls_x509_crt_get_expiration_time(p.chain[0]);
	if (!gnutls_x509_crt_check_hostname(p.chain[0], c->hostname))
		config_complain(l, "it is not for %s; get one for the name in hostname",
				c->hostname);
	if (c->advertise_api && gnutls_x509_crt_check_issuer(p.chain[0], p.chain[0]))
		config_complain(l, "it is signed by itself, so devices do not trust it; set "
				   "advertise-api = no or get one from a public CA");
	about(l, "certificate-key");
	if (parse_key(l, c->key_pem, &p) == 0 && !belong_together(&p))
		config_complain(l, "it is the key of another certificate");
}

static void forget_text(struct config *c)
{
	free(c->chain_pem);
	free(c->key_pem);
	c->chain_pem = c->key_pem = NULL;
}

void config_check_certificate(struct config_load *l)
{
	struct config *c = l->config;

	if (!c->certificate && !c->certificate_key)
		return;
	about(l, c->certificate ? "certificate" : "certificate-key");
	if (!c->certificate || !c->certificate_key) {
		config_complain(l,
				"certificate and certificate-key belong together; add the other");
		return;
	}
	if (!c->hostname) {
		config_complain(l, "a certificate needs the name that it is for; set hostname");
		return;
	}
	int r = read_pem(l, c->certificate, &c->chain_pem);

	about(l, "certificate-key");
	if (r == 0)
		r = read_pem(l, c->certificate_key, &c->key_pem);
	if (r == 0)
		check_pair(l);
	else
		forget_text(c);
}

bool config_keep_certificate(const struct config *running, struct config *fresh)
{
	if (!fresh->certificate || fresh->chain_pem)
		return false;
	if (running->chain_pem && fresh->hostname && running->hostname &&
	    strcmp(running->hostname, fresh->hostname) == 0) {
		fresh->chain_pem = strdup(running->chain_pem);
		fresh->key_pem = strdup(running->key_pem);
		fresh->certificate_end = running->certificate_end;
		if (!fresh->chain_pem || !fresh->key_pem)
			forget_text(fresh);
	}
	return true;
}

int certificate_require(const struct config *c, FILE *out)
{
	if (!c->certificate || c->chain_pem)
		return 0;
	fprintf(out, "%s:%u: certificate: %s and %s cannot both be read: %s\n", c->path,
		config_line(c, NULL, "certificate"), c->certificate, c->certificate_key,
		strerror(EACCES));
	return -EACCES;
}

size_t certificate_warn(const struct config *c, FILE *out)
{
	const int64_t left = (int64_t)c->certificate_end - (int64_t)time(NULL);
	const unsigned int line = config_line(c, NULL, "certificate");

	if (!c->chain_pem || left >= WARN_DAYS * DAY)
		return 0;
	if (left < 0)
		fprintf(out,
			"%s:%u: certificate: it has expired, browsers warn of the login page; renew it\n",
			c->path, line);
	else
		fprintf(out, "%s:%u: certificate: it expires in %" PRId64 " days; renew it\n",
			c->path, line, left / DAY);
	return 1;
}
