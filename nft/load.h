/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ruleset as a whole, and the zones' interfaces. */
#pragma once

#include "nft/gate.h"

/* As tables_run(), unheard by the watch: libnftables speaks through a socket of its own, which it
 * would take for somebody else's. */
int load_run(struct gate *gate, const char *text, char error[static ERROR_TEXT_MAX]);

/* Loads the ruleset of gate->zones.  Negative errno; what nft said, or why, is in error. */
int gate_load(struct gate *gate, char error[static ERROR_TEXT_MAX]);
/* Prints it, with all interfaces taken to be there. */
int gate_print(struct gate *gate);

/* Looks at each zone's interface, loads egress chains of new ones, tells the engine what changed.
 * Negative errno: exit. */
int gate_follow_links(struct gate *gate);

/* An interface was deleted (index 0: any may have been).  Its egress chain may be gone with it, even
 * if one with the same name and index is there by now: disarms its zone, for gate_follow_links(). */
void gate_link_gone(void *gate, uint32_t index);
