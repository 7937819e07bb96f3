/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bundle for the web workers: what of the configuration they need, and the pages of each zone.
 */
#pragma once

#include <stdio.h>

#include "daemon/config.h"

/* Reads portald's pages, each zone's own in their place, logos and terms.  A sealed memfd; its
 * entries are listed in pages.c.  On failure a message goes to `out`, negative errno. */
int pages_bundle(const struct config *config, const unsigned char secret[static 32], FILE *out,
		 int *ret_fd);

/* What portald-web would refuse of it, in a message; negative errno then. */
int pages_look_inside(const struct config *config, int bundle, FILE *out);

/* Both, for a bundle that nobody needs. */
int pages_check(const struct config *config, FILE *out);
