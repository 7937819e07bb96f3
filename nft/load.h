/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading text; what else nft/load.c does is in nft/gate.h. */
#pragma once

#include "nft/gate.h"

/* As tables_run(), unheard by the watch: libnftables speaks through a socket of its own, which it
 * would take for somebody else's. */
int load_run(struct gate *gate, const char *text, char error[static ERROR_TEXT_MAX]);
