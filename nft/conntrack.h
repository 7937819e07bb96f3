/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of the connection tracking table, and which of them are a guest's.  The table is dumped, matched
 * here, and each entry deleted by its tuple and id: a filter in the kernel (CTA_FILTER) is EINVAL on Linux
 * 6.1 and, for IPv6 on 6.18, deletes everybody else's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/netlink.h"

enum { CONNTRACK_TUPLE_MAX = 128 };

/* Where portald-web listens for one zone. */
struct web_ports {
	uint16_t portal, divert, tls;
};

/* An address whose entries are to go. */
struct conntrack_guest {
	struct addr addr; /* comes first: it is what they are sorted by */
	struct web_ports ports;
};

/* What names an entry to the kernel: copied from the dump as it is. */
struct conntrack_entry {
	uint8_t family;
	_Alignas(struct nlattr) uint8_t tuple[CONNTRACK_TUPLE_MAX]; /* CTA_TUPLE_ORIG */
	uint32_t id;						    /* network order, as it came */
	uint16_t zone;						    /* network order */
	bool has_zone;
};

void conntrack_sort(struct conntrack_guest *guests, size_t count);

/* Begins a dump of a family's table. */
int conntrack_dump(struct netlink *nl, uint8_t family, struct netlink_dump *ret_dump);
/* Is this message of a dump an entry whose source, in either direction, is one of the (sorted) guests?
 * Connections to ports 80 and 443 that end at ours are not: those carry our own answer. */
bool conntrack_match(const struct nlmsghdr *nlh, const struct conntrack_guest *guests, size_t count,
		     struct conntrack_entry *ret_entry);
/* -ENOENT: it went by itself. */
int conntrack_delete(struct netlink *nl, const struct conntrack_entry *e);
