/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of the table, and trusted devices, back into a kernel that does not have them: after a
 * reboot, or after somebody flushed the ruleset.  Each is granted for the rest of its time, with its limits and what it has
 * used; one that the kernel has keeps the kernel's counters. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/engine.h"

/* At start: trusted devices, and if the store knew more than the kernel, sessions.  Ends the engine if
 * the kernel refuses one. */
void restore_members(struct engine *e, bool sessions, void (*done)(struct engine *e));

/* For gate_client.flushed: puts all sessions back, then lets the gate open the zones.  round: of the
 * gate's message; a later one makes an earlier one void. */
void restore_flushed(void *engine, uint32_t round);
