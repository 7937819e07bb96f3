/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GnuTLS asks for the pair in each handshake and keeps pointers to it until the handshake ends.  So
 * a pair that is replaced lives on until every connection that began with it has been cut
 * (PEER_LIFE_MAX).  The callback gets no context of ours: the state is this file's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "portal/peer.h"
#include "portal/tls.h"

enum {
	CHAIN_MAX = 10,			     /* certificates */
	RETIRED_SECONDS = 2 * PEER_LIFE_MAX, /* longer than any connection lives */
};

struct pair {
	struct pair *next; /* retired before this one */
	time_t retired;	   /* monotonic clock */
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned int count;
	gnutls_privkey_t key;
};

static struct pair *current; /* NULL: no certificate */
static struct pair *retired; /* youngest first */

static time_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void pair_destroy(struct pair *p)
{
	if (!p)
		return;
	for (unsigned int i = 0; i < p->count; i++)
		gnutls_pcert_deinit(&p->chain[i]);
	if (p->key)
		gnutls_privkey_deinit(p->key);
	free(p);
}

static void cleanup_pair(struct pair **p)
{
	pair_destroy(*p);
}

static gnutls_datum_t text_data(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned int)strlen(text)};
}

static int pair_create(const char *chain_pem, const char *key_pem, struct pair **ret_pair)
{
	CLEANUP(cleanup_pair) struct pair *p = calloc(1, sizeof(*p));
	const gnutls_datum_t chain = text_data(chain_pem), key = text_data(key_pem);
	unsigned int count = CHAIN_MAX;

	if (!p)
		return -ENOMEM;
	int r = gnutls_pcert_list_import_x509_raw(p->chain, &count, &chain, GNUTLS_X509_FMT_PEM,
						  GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);

	if (r == 0) {
		p->count = count;
		r = gnutls_privkey_init(&p->key);
	}
	if (r == 0)
		r = gnutls_privkey_import_x509_raw(p->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0) {
		log_error("the certificate cannot be used: %s", gnutls_strerror(r));
		return -EINVAL;
	}
	*ret_pair = steal_ptr(&p);
	return 0;
}

int tls_set_site(const struct site *site)
{
	struct pair *fresh = NULL;

	if (site->certificate) {
		int r = pair_create(site->certificate, site->certificate_key, &fresh);

		if (r < 0)
			return r;
	}
	if (current) {
		current->retired = monotonic();
		current->next = retired;
		retired = current;
	}
	current = fresh;
	return 0;
}

static void free_retired(time_t before)
{
	struct pair **at = &retired;

	while (*at && (*at)->retired >= before)
		at = &(*at)->next;
	while (*at) {
		struct pair *old = *at;

		*at = old->next;
		pair_destroy(old);
	}
}

void tls_tick(void)
{
	free_retired(monotonic() - RETIRED_SECONDS);
}

void tls_finish(void)
{
	free_retired(monotonic() + 1);
	pair_destroy(current);
	current = NULL;
}

static int retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		    gnutls_pcert_st **ret_chain, unsigned int *ret_count,
		    gnutls_ocsp_data_st **ret_ocsp, unsigned int *ret_ocsp_count,
		    gnutls_privkey_t *ret_key, unsigned int *ret_flags)
{
	(void)session;
	(void)info;
	if (!current)
		return -1;
	*ret_chain = current->chain;
	*ret_count = current->count;
	*ret_ocsp = NULL;
	*ret_ocsp_count = 0;
	*ret_key = current->key;
	*ret_flags = 0; /* all of it stays ours */
	return 0;
}

uintptr_t tls_callback(void)
{
	return (uintptr_t)retrieve;
}
