/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CA said of the portal's certificate (RFC 6960), as certbot, `openssl ocsp -respout` and
 * their like leave it: one response in DER.  portald asks nobody; it shows what it is given, and
 * only what says "good" of this very certificate, is signed by its CA as far as the chain tells,
 * and has an end.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/ocsp.h>

#include "common/cleanup.h"
#include "daemon/config_file.h"
#include "daemon/pair.h"

enum { CLOCK_SKEW = 300 /* seconds that a CA's clock may be before ours */ };

/* What is said of one certificate. */
struct single {
	unsigned int status; /* gnutls_ocsp_cert_status_t */
	time_t begin, end;   /* -1: none */
};

static void cleanup_resp(gnutls_ocsp_resp_t *resp)
{
	if (*resp)
		gnutls_ocsp_resp_deinit(*resp);
}

static void refuse(struct pair *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void refuse(struct pair *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->ocsp_trouble, sizeof(p->ocsp_trouble), fmt, args);
	va_end(args);
}

/* A response may speak of several certificates.  False: not of this one. */
static bool find_single(gnutls_ocsp_resp_t resp, gnutls_x509_crt_t certificate,
			struct single *ret_single)
{
	unsigned int i = 0;
	int r;

	do {
		r = gnutls_ocsp_resp_get_single(resp, i, NULL, NULL, NULL, NULL,
						&ret_single->status, &ret_single->begin,
						&ret_single->end, NULL, NULL);
		if (r >= 0 && gnutls_ocsp_resp_check_crt(resp, i, certificate) >= 0)
			return true;
		i++;
	} while (r >= 0);
	return false;
}

/* By the issuer, or by somebody whom it charged; not known if the chain does not have it. */
static bool is_forged(gnutls_ocsp_resp_t resp, const struct chain *chain)
{
	unsigned int verdict = 0;

	if (chain->count < 2)
		return false;
	return gnutls_ocsp_resp_verify_direct(resp, chain->certificates[1], &verdict, 0) < 0 ||
	       verdict != 0;
}

/* NULL: it may be shown until single->end. */
static const char *judge(gnutls_ocsp_resp_t resp, const struct chain *chain,
			 struct single *ret_single)
{
	if (gnutls_ocsp_resp_get_status(resp) != GNUTLS_OCSP_RESP_SUCCESSFUL)
		return "it is an error of the CA's and no response; ask it again";
	if (!find_single(resp, chain->certificates[0], ret_single))
		return "it is about another certificate; get a response for this one";
	if (is_forged(resp, chain))
		return "it is not signed by the certificate's CA; get the CA's own response";
	if (ret_single->status == GNUTLS_OCSP_CERT_REVOKED)
		return "it says that the certificate is revoked; get another certificate";
	if (ret_single->status != GNUTLS_OCSP_CERT_GOOD)
		return "it says that the CA does not know the certificate; ask the CA";
	if (ret_single->end == (time_t)-1)
		return "it does not say until when it holds (nextUpdate), so it cannot be told "
		       "when it is too old";
	if (ret_single->begin > time(NULL) + CLOCK_SKEW)
		return "it is from the future; look at the clock";
	return NULL;
}

void pair_read_ocsp(struct pair *p, const struct chain *chain)
{
	CLEANUP(cleanup_resp) gnutls_ocsp_resp_t resp = NULL;
	CLEANUP(cleanup_free) char *der = NULL;
	struct single single = {0};
	size_t len = 0;
	int r = config_read_regular(p->ocsp, &der, &len);

	if (r < 0) {
		refuse(p, "%.80s cannot be read: %s", p->ocsp,
		       r == -EINVAL ? "it is no regular file" : strerror(-r));
		return;
	}
	const gnutls_datum_t data = {(unsigned char *)der, (unsigned int)len};

	if (gnutls_ocsp_resp_init(&resp) < 0)
		return;
	if (len == 0 || gnutls_ocsp_resp_import(resp, &data) < 0) {
		refuse(p, "it is no OCSP response in DER");
		return;
	}
	const char *why = judge(resp, chain, &single);

	if (why) {
		refuse(p, "%s", why);
		return;
	}
	p->ocsp_der = steal_ptr(&der);
	p->ocsp_len = len;
	p->ocsp_begin = single.begin;
	p->ocsp_end = single.end;
}
