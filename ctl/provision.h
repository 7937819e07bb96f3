/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration of other programs (dnsmasq, Kea, radvd, odhcpd) is made of. */
#pragma once

#include "ctl/ctl.h"

/* RFC 8910, 2.1 and 2.2 */
enum { CAPTIVE_PORTAL_DHCPV4 = 114, CAPTIVE_PORTAL_DHCPV6 = 103 };

/* All texts are plain: no character that any of these programs takes for its own. */
struct provision {
	const json_t *zones; /* with "name", "interface"; "hostname" and "api" if there are */
};

/* NULL: it is not there. */
const char *provision_text(const json_t *zone, const char *key);

/* Adds a line. */
void provision_add(json_t *lines, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Asks the gateway, and prints what `make` adds; for zones without an API to advertise, with the
 * reason, as a comment.  --json: {"lines":[...]}. */
enum status provision_print(struct ctl *ctl, const char *comment,
			    void (*make)(const struct provision *p, json_t *lines));
