// SPDX-License-Identifier: GPL-2.0-or-later
/* Arithmetic on the last 32 bits of an address; the networks are at least as large as that. */
#include <string.h>

#include "tests/bench/guests.h"

static const struct addr *network(const struct guests *guests, uint8_t family)
{
	return &guests->net[family == 6];
}

static size_t tail_at(uint8_t family)
{
	return family == 4 ? 0 : 12;
}

static uint32_t tail(const struct addr *addr)
{
	uint32_t v;

	memcpy(&v, addr->b + tail_at(addr->family), sizeof(v));
	return __builtin_bswap32(v);
}

void guest_mac(uint32_t number, struct mac *ret_mac)
{
	*ret_mac = (struct mac){{0x02, 0xb0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
				 (uint8_t)(number >> 8), (uint8_t)number}};
}

void guest_addr(const struct guests *guests, uint32_t number, uint8_t family, struct addr *ret_addr)
{
	const struct addr *net = network(guests, family);
	uint32_t v = __builtin_bswap32(tail(net) + GUESTS_OFFSET + number);

	*ret_addr = *net;
	memcpy(ret_addr->b + tail_at(family), &v, sizeof(v));
}

int64_t guest_find(const struct guests *guests, const struct addr *addr)
{
	const struct addr *net = network(guests, addr->family);
	uint32_t number = tail(addr) - tail(net) - GUESTS_OFFSET;

	if (memcmp(addr->b, net->b, tail_at(addr->family)) != 0)
		return GUESTS_NONE;
	if (number < guests->count)
		return number;
	if (number >= GUESTS_MAX && number - GUESTS_MAX < guests->flooders)
		return number;
	return GUESTS_NONE;
}
