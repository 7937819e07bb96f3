/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine*.c files share. */
#pragma once

#include "daemon/engine.h"

/* engine_start.c: loads the ruleset, reads the sessions, and makes the engine ready. */
void engine_start(struct engine *e);

/* engine_lost.c: for channels to the gate (data: the engine) and to workers (data: the worker). */
void engine_gate_lost(void *data, int error);
void engine_worker_lost(void *data, int error);
/* Until all have ended, or for a named time. */
void engine_wait_for_children(const struct engine *e);
