/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members after somebody flushed the ruleset: back into the kernel, from the session table. */
#pragma once

#include <stdint.h>

/* For gate_client.flushed: puts all sessions back, then lets the gate open the zones.  round: of the
 * gate's message; a later one makes an earlier one void. */
void member_restore(void *engine, uint32_t round);
