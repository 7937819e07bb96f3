/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A certificate, its key, and what its CA last said of it (OCSP): the paths that portald.conf names,
 * and what was in the files when they were read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/x509.h>

enum { PAIR_TEXT_MAX = 160, PAIR_HOSTS_MAX = 2048 };

struct pair {
	char *certificate, *key; /* paths; NULL: none */
	char *ocsp;		 /* path of a response in DER, or NULL */

	char *chain_pem, *key_pem; /* NULL: there is none, or it could not be read */
	int64_t begin, end;	   /* of the certificate's validity, seconds since 1970 */
	bool must_staple;	   /* the certificate demands a response (RFC 7633) */
	bool open_chain;	   /* an intermediate certificate is missing */

	/* Where devices ask whether the chain was revoked, for garden_add_hosts(): as far as there is room, "" if nowhere. */
	char hosts[PAIR_HOSTS_MAX];

	char *ocsp_der; /* NULL: none that may be shown */
	size_t ocsp_len;
	int64_t ocsp_begin, ocsp_end;	  /* thisUpdate, nextUpdate */
	char ocsp_trouble[PAIR_TEXT_MAX]; /* why it is not shown; "" */
};

/* "credential:NAME" in place of a path: only in the unit's environment is it one.  NULL: no. */
bool pair_is_credential(const char *path);
/* What was read; the paths stay.  Zeros are fine. */
void pair_forget(struct pair *pair);
/* What was read, from another; without memory there is nothing then. */
void pair_take(struct pair *to, const struct pair *from);

struct chain {
	gnutls_x509_crt_t *certificates;
	unsigned int count;
};

/* 0, or what GnuTLS says. */
int chain_parse(const char *pem, struct chain *ret_chain);
void chain_finish(struct chain *chain);

/* Is the certificate of a pair that was read for this name? */
bool pair_is_for(const struct pair *pair, const char *name);
/* Signed by itself: no device trusts it unless it was told to. */
bool pair_is_selfsigned(const struct pair *pair);
/* The response that pair->ocsp names: read and judged, for a chain that is pair->chain_pem's.  Never an
 * error: without one clients ask the CA themselves, or do not. */
void pair_read_ocsp(struct pair *pair, const struct chain *chain);
/* Finds pair->hosts: of OCSP responders and CRLs, http and https. */
void pair_find_hosts(struct pair *pair, const struct chain *chain);
