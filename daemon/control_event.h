/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells all who watch (portalctl watch). */
#pragma once

#include "daemon/engine.h"

/* event: "login", "logout", "expiry", "grant", "revoke"; seconds: of a login or grant, how long. */
void control_event(struct engine *e, const char *event, const struct session *s, uint64_t seconds);
