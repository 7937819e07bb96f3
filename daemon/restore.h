/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of the table back into a kernel that does not have them: after a reboot, or after somebody
 * flushed the ruleset. */
#pragma once

#include <stddef.h>

#include "daemon/engine.h"

/* error: 0, or negative errno: the kernel refused one, and not all are there. */
typedef void restore_done_fn(struct engine *e, size_t restored, int error);

/* Grants every session for the rest of its time, with its limits and what it has used; one that the
 * kernel has keeps the kernel's counters. */
void restore_sessions(struct engine *e, restore_done_fn *done);
