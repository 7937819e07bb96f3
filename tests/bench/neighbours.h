/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address resolution: the guests are asked for, and the gateway is looked up. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/guests.h"
#include "tests/bench/wire.h"

/* Answers if the frame asks for a guest.  0: it was about neighbours; positive: something else. */
int neighbours_receive(const struct guests *guests, struct wire *wire, const uint8_t *frame,
		       size_t len);

/* Asks for the gateway, as guest 0, until it answers.  -ETIMEDOUT after some seconds. */
int neighbours_resolve(const struct guests *guests, struct wire *wire, const struct addr *gateway,
		       struct mac *ret_mac);
