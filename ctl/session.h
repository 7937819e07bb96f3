/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session as the gateway shows it (SESSION in common/control.h). */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "common/session_limits.h"

/* Borrows from the JSON value. */
struct session_view {
	const char *zone, *mac, *how, *note;
	json_int_t started, used, left, up, down;
	const json_t *addresses; /* strings */
	struct limits limits;
};

/* -EBADMSG: not such an object. */
int session_view_parse(json_t *json, struct session_view *ret_view);
