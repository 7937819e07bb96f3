/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GnuTLS asks for a pair in each handshake and keeps pointers to it until the handshake ends.  So
 * pairs that are replaced live on until every connection that began with them has been cut
 * (PEER_LIFE_MAX).  The callback gets no context of ours: the state is this file's.
 *
 * No session tickets: their key would open what was said before it was stolen, and a guest connects a
 * handful of times.  libmicrohttpd answers no renegotiation and knows no early data.
 *
 * A guest that asks for the name of another zone gets that zone's certificate, so that it is led to
 * its own zone's without a warning; whoever asks for no name, or one that is nobody's, gets its own
 * zone's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "portal/limit.h"
#include "portal/peer.h"
#include "portal/tls.h"

enum {
	CHAIN_MAX = 10,			     /* certificates */
	NAME_MAX_SNI = 256,		     /* with its NUL */
	RETIRED_SECONDS = 2 * PEER_LIFE_MAX, /* longer than any connection lives */
};

struct pair {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned int count;
	gnutls_x509_crt_t own; /* the first of them, to look at its names */
	gnutls_privkey_t key;
	unsigned char *response;
	gnutls_ocsp_data_st ocsp; /* response.data NULL: none */
};

/* All of a site. */
struct set {
	struct set *next; /* retired before this one */
	time_t retired;	  /* monotonic clock */
	size_t count;
	struct pair pairs[ZONES_MAX];
	const struct pair *zones[ZONES_MAX]; /* NULL: no https */
};

static struct set *current;
static struct set *retired; /* youngest first */
static size_t serving;	    /* zone */

static time_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* GnuTLS keeps a handshake message until it is whole, and a guest may say that it has 16 MB.  So what
 * is read is counted here.  errno as of recv(2). */
static ssize_t receive(gnutls_transport_ptr_t data, void *buf, size_t size)
{
	struct peer *peer = data;
	const size_t most = peer && peer->greeted ? TLS_RECEIVED_MAX : TLS_HANDSHAKE_MAX;

	if (!peer || peer->received >= most) {
		limit_reached(peer ? LIMIT_TLS : LIMIT_MEMORY);
		errno = ECONNABORTED;
		return -1;
	}
	if (size > most - peer->received)
		size = most - peer->received;
	ssize_t n = recv(peer->fd, buf, size, 0);

	peer->received += n > 0 ? (size_t)n : 0;
	return n;
}

static int finished(gnutls_session_t session, unsigned int message, unsigned int when,
		    unsigned int incoming, const gnutls_datum_t *data)
{
	gnutls_transport_ptr_t in, out;

	(void)message;
	(void)when;
	(void)data;
	gnutls_transport_get_ptr2(session, &in, &out);
	if (incoming && in)
		((struct peer *)in)->greeted = true;
	return 0;
}

void tls_begin(void *session, int fd, struct peer *peer)
{
	gnutls_transport_set_ptr2(session, peer, (gnutls_transport_ptr_t)(intptr_t)fd);
	gnutls_transport_set_pull_function(session, receive);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
					   finished);
}

static void pair_finish(struct pair *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		gnutls_pcert_deinit(&p->chain[i]);
	if (p->own)
		gnutls_x509_crt_deinit(p->own);
	if (p->key)
		gnutls_privkey_deinit(p->key);
	free(p->response);
}

static void set_destroy(struct set *s)
{
	for (size_t i = 0; s && i < s->count; i++)
		pair_finish(&s->pairs[i]);
	free(s);
}

static void cleanup_set(struct set **s)
{
	set_destroy(*s);
}

static gnutls_datum_t text_data(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned int)strlen(text)};
}

static int take_response(struct pair *p, const struct site_pair *from)
{
	if (!from->ocsp)
		return 0;
	p->response = malloc(from->ocsp_len);
	if (!p->response)
		return -ENOMEM;
	memcpy(p->response, from->ocsp, from->ocsp_len);
	p->ocsp.response = (gnutls_datum_t){p->response, (unsigned int)from->ocsp_len};
	p->ocsp.exptime = from->ocsp_end;
	return 0;
}

/* A pair that fails is to be finished. */
static int pair_init(struct pair *p, const struct site_pair *from)
{
	const gnutls_datum_t chain = text_data(from->chain), key = text_data(from->key);
	unsigned int count = CHAIN_MAX;
	int r = gnutls_pcert_list_import_x509_raw(p->chain, &count, &chain, GNUTLS_X509_FMT_PEM,
						  GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);

	if (r == 0) {
		p->count = count;
		r = gnutls_pcert_export_x509(&p->chain[0], &p->own);
	}
	if (r == 0)
		r = gnutls_privkey_init(&p->key);
	if (r == 0)
		r = gnutls_privkey_import_x509_raw(p->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0) {
		log_error("the certificate cannot be used: %s", gnutls_strerror(r));
		return -EINVAL;
	}
	return take_response(p, from);
}

int tls_set_site(const struct site *site)
{
	CLEANUP(cleanup_set) struct set *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	for (size_t i = 0; i < site->pair_count; i++) {
		fresh->count++;
		int r = pair_init(&fresh->pairs[i], &site->pairs[i]);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct site_pair *p = site->zones[i].pair;

		fresh->zones[i] = p ? &fresh->pairs[p - site->pairs] : NULL;
	}
	if (current) {
		current->retired = monotonic();
		current->next = retired;
		retired = current;
	}
	current = steal_ptr(&fresh);
	return 0;
}

void tls_serve(size_t zone)
{
	serving = zone;
}

static void free_retired(time_t before)
{
	struct set **at = &retired;

	while (*at && (*at)->retired >= before)
		at = &(*at)->next;
	while (*at) {
		struct set *old = *at;

		*at = old->next;
		set_destroy(old);
	}
}

void tls_tick(void)
{
	free_retired(monotonic() - RETIRED_SECONDS);
}

void tls_finish(void)
{
	free_retired(monotonic() + 1);
	set_destroy(current);
	current = NULL;
}

/* False: the guest names none. */
static bool asked_name(gnutls_session_t session, char ret_name[static NAME_MAX_SNI])
{
	size_t len = NAME_MAX_SNI;
	unsigned int type;

	return gnutls_server_name_get(session, ret_name, &len, &type, 0) == 0 &&
	       type == GNUTLS_NAME_DNS && link_is_hostname(ret_name);
}

static const struct pair *choose(gnutls_session_t session)
{
	const struct pair *own = current ? current->zones[serving] : NULL;
	char name[NAME_MAX_SNI];

	if (!own || !asked_name(session, name) || gnutls_x509_crt_check_hostname(own->own, name))
		return own;
	for (size_t i = 0; i < current->count; i++) {
		if (gnutls_x509_crt_check_hostname(current->pairs[i].own, name))
			return &current->pairs[i];
	}
	return own;
}

static int retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		    gnutls_pcert_st **ret_chain, unsigned int *ret_count,
		    gnutls_ocsp_data_st **ret_ocsp, unsigned int *ret_ocsp_count,
		    gnutls_privkey_t *ret_key, unsigned int *ret_flags)
{
	struct pair *p = (struct pair *)(uintptr_t)choose(session);

	(void)info;
	if (!p)
		return -1;
	const bool stapled = p->response && time(NULL) < p->ocsp.exptime;

	*ret_chain = p->chain;
	*ret_count = p->count;
	*ret_ocsp = stapled ? &p->ocsp : NULL;
	*ret_ocsp_count = stapled ? 1 : 0;
	*ret_key = p->key;
	*ret_flags = 0; /* all of it stays ours */
	return 0;
}

uintptr_t tls_callback(void)
{
	return (uintptr_t)retrieve;
}
