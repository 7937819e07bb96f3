/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions of the table, and trusted devices, back into a kernel that does not have them: after a
 * reboot, or after somebody flushed the ruleset.  Each is granted for the rest of its time, with its
 * limits and what it has used; one that the kernel has keeps the kernel's counters.
 *
 * They go in portions, between which the gate does what guests wait for.  A session whose `round` is
 * not the engine's flush_round has not been put back yet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/engine.h"

/* Of a session that the kernel has never had. */
#define ROUND_NEVER UINT32_MAX

/* At start: trusted devices, and sessions that the store alone has.  Ends the engine if the kernel
 * refuses one. */
void restore_members(struct engine *e, void (*done)(struct engine *e));

/* For gate_client.flushed: puts all back, then lets the gate open the zones; before the sessions are known
 * that is left to the start.  round: of the gate's message; a later one makes an earlier one void. */
void restore_flushed(void *engine, uint32_t round);

/* Before the gate is asked for anything about these: those that are not in the kernel yet go first,
 * so that they keep what they have used.  -ENOMEM. */
int restore_first(struct engine *e, uint32_t zone, const struct mac *macs, size_t count);
