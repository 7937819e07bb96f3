/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/pair.h"

bool pair_is_credential(const char *path)
{
	static const char prefix[] = "credential:";

	return path && strncmp(path, prefix, sizeof(prefix) - 1) == 0;
}

void pair_forget(struct pair *p)
{
	free(p->chain_pem);
	free(p->key_pem);
	free(p->ocsp_der);
	*p = (struct pair){.certificate = p->certificate, .key = p->key, .ocsp = p->ocsp};
}

void pair_take(struct pair *to, const struct pair *from)
{
	struct pair copy = *from;

	pair_forget(to);
	if (!from->chain_pem || !from->key_pem)
		return;
	copy.chain_pem = strdup(from->chain_pem);
	copy.key_pem = strdup(from->key_pem);
	copy.ocsp_der = from->ocsp_der ? malloc(from->ocsp_len) : NULL;
	copy.certificate = to->certificate;
	copy.key = to->key;
	copy.ocsp = to->ocsp;
	if (copy.ocsp_der)
		memcpy(copy.ocsp_der, from->ocsp_der, from->ocsp_len);
	*to = copy;
	if (!to->chain_pem || !to->key_pem)
		pair_forget(to);
}

int chain_parse(const char *pem, struct chain *ret_chain)
{
	const gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned int)strlen(pem)};

	return gnutls_x509_crt_list_import2(&ret_chain->certificates, &ret_chain->count, &data,
					    GNUTLS_X509_FMT_PEM,
					    GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
}

void chain_finish(struct chain *c)
{
	for (unsigned int i = 0; i < c->count; i++)
		gnutls_x509_crt_deinit(c->certificates[i]);
	gnutls_free(c->certificates);
	*c = (struct chain){0};
}

bool pair_is_for(const struct pair *p, const char *name)
{
	CLEANUP(chain_finish) struct chain chain = {0};

	return p->chain_pem && chain_parse(p->chain_pem, &chain) >= 0 &&
	       gnutls_x509_crt_check_hostname(chain.certificates[0], name);
}

bool pair_is_selfsigned(const struct pair *p)
{
	CLEANUP(chain_finish) struct chain chain = {0};

	return p->chain_pem && chain_parse(p->chain_pem, &chain) >= 0 &&
	       gnutls_x509_crt_check_issuer(chain.certificates[0], chain.certificates[0]);
}
