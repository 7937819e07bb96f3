/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated guests: number -> MAC, IPv4 and IPv6 address, and back.  Nothing is stored for one,
 * so there may be any number.  Numbers from GUESTS_MAX on are the devices that flood.
 */
#pragma once

#include <stdint.h>

#include "common/addr.h"

enum { GUESTS_MAX = 1 << 20, GUESTS_OFFSET = 256, GUESTS_NONE = -1 };

/* The networks' first addresses.  Guest n has n + GUESTS_OFFSET added, in both. */
struct guests {
	struct addr net[2]; /* IPv4, IPv6 */
	uint32_t count;	    /* at most GUESTS_MAX */
	uint32_t flooders;  /* at most GUESTS_MAX */
};

/* 02:b0 and the number. */
void guest_mac(uint32_t number, struct mac *ret_mac);
void guest_addr(const struct guests *guests, uint32_t number, uint8_t family,
		struct addr *ret_addr);
/* The guest with this address, or GUESTS_NONE. */
int64_t guest_find(const struct guests *guests, const struct addr *addr);
