/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The certificates that TLS listeners show, and their change while handshakes are under way. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "portal/site.h"

/* TLS 1.3 and 1.2 with forward secrecy by elliptic curves, for finite fields would let strangers make
 * us compute; ciphers of 128 bits and more with authentication; no SHA-1. */
#define TLS_PRIORITIES                                                                             \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"           \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"                              \
	"-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

enum {
	TLS_HANDSHAKE_MAX = 64 * 1024,	/* bytes from a guest */
	TLS_RECEIVED_MAX = 2048 * 1024, /* bytes of a connection: a body is drained in less */
};

struct peer;

/* A connection begins, before anything is read from it: it is cut if more than the above comes.
 * session: GnuTLS's; peer: NULL: nothing is read. */
void tls_begin(void *session, int fd, struct peer *peer);

/* Takes over the site's pairs: handshakes that begin from now on see them.  -EINVAL: one is no pair,
 * and nothing has changed. */
int tls_set_site(const struct site *site);
/* The handshakes until the next call are of this zone's listener. */
void tls_serve(size_t zone);
/* To be called once a second: frees what no handshake can use any more. */
void tls_tick(void);
void tls_finish(void);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2: a gnutls_certificate_retrieve_function3. */
uintptr_t tls_callback(void);
