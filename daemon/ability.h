/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel, or what else uses it, keeps from portald: the gate finds out at each load. */
#pragma once

#include <stdio.h>

#include "daemon/engine.h"

/* Takes note of it, and says to the log what is off.  engine: struct engine. */
void ability_learn(void *engine, const struct gate_ability *ability);

/* What is off, one a line. */
void ability_tell(const struct engine *e, FILE *out);
