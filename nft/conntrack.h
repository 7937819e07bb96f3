/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletes what conntrack remembers of a guest.  The table is dumped, matched here, and each entry
 * deleted by its tuple and id: a filter in the kernel (CTA_FILTER) is EINVAL on Linux 6.1 and, for
 * IPv6 on 6.18, deletes everybody else's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/netlink.h"

/* Where portald-web listens for one zone. */
struct web_ports {
	uint16_t portal, divert, tls;
};

/* Entries whose source, in either direction, is one of the addresses, in IPv4 and IPv6, but for
 * connections to ports 80 and 443 that end at ours: those carry our own answer.
 * Negative errno; *ret_deleted counts. */
int conntrack_forget(struct netlink *nl, const struct addr *addrs, size_t count,
		     const struct web_ports *ports, size_t *ret_deleted);
