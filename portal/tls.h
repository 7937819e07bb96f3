/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The certificate that TLS listeners show, and its change while handshakes are under way. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "portal/site.h"

/* TLS 1.3 and 1.2 with forward secrecy, ciphers of 128 bits and more with authentication. */
#define TLS_PRIORITIES                                                                             \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:"                          \
	"+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

/* Takes over the site's pair, or that it has none: handshakes that begin from now on see it.
 * -EINVAL: it is no pair, and nothing has changed. */
int tls_set_site(const struct site *site);
/* To be called once a second: frees what no handshake can use any more. */
void tls_tick(void);
void tls_finish(void);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2: a gnutls_certificate_retrieve_function3. */
uintptr_t tls_callback(void);
