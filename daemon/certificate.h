/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host's checks say about the portal's certificates. */
#pragma once

#include <stdio.h>

#include "daemon/config.h"

/* -EACCES, said to `out`: there should be a certificate, but this process may not read it.  1, said
 * too: only as the unit's process could it. */
int certificate_require(const struct config *config, FILE *out);
/* It has expired or soon will, its chain has an end too early, or there is no response of its CA to
 * show: a gateway goes on with it, for a login page with a warning is better than none.  The number
 * of lines written. */
size_t certificate_warn(const struct config *config, FILE *out);
/* The same to the log, if it is an hour since *last (seconds since 1970), which is then now.  To be
 * called from time to time. */
void certificate_tell(const struct config *config, uint64_t *last);
