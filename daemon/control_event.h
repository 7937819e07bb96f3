/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells all who watch (portalctl watch). */
#pragma once

#include "daemon/engine.h"

/* event: see EVENT in common/control.h; seconds: of a login, grant, change or extension, how long. */
void control_event(struct engine *e, const char *event, const struct session *s, uint64_t seconds);
