/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host names of a walled garden (common/garden.h): as they stand in portald.conf, and which of them are meant by one that
 * somebody asked for. */
#pragma once

#include "common/garden.h"

enum {
	GARDEN_TTL_MIN = 1,	/* seconds: an answer that is not to be kept is used once */
	GARDEN_TTL_MAX = 86400, /* as resolvers do, whatever an answer says */
};

/* "example.org", "*.example.org"; the ports are left as they are.  False: no such thing.  Letters beyond ASCII are not
 * taken: they have another spelling in DNS ("xn--..."). */
bool garden_name_read(const char *text, struct garden_name *ret_name);
bool garden_name_valid(const struct garden_name *name);

/* The same name, and ports of it in common. */
bool garden_names_overlap(const struct garden_name *a, const struct garden_name *b);

/* Adds hosts, "NAME:PORT/tcp" parted by blanks (NULL: none), as far as they are not there and there is room for them. */
void garden_add_hosts(struct garden *garden, const char *hosts);

/* The names that `name` (lower case) is or lies below: a bit each. */
uint64_t garden_match(const struct garden *garden, const char *name);

/* Stands for a name where there is no room for it. */
uint32_t garden_name_sum(const struct garden_name *name);

/* Two lists with the same sum are the same list: who keeps one can tell that the other's is newer. */
uint32_t garden_names_sum(const struct garden *garden);

/* May an answer open it?  No: multicast, loopback, link-local, unspecified and reserved ones, and IPv4 in IPv6's clothes. */
bool garden_address_fits(const struct addr *addr);
