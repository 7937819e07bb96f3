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

/* Entries whose source, in either direction, is one of the addresses, in IPv4 and IPv6, but for
 * connections to port 80 that end at portal_port or divert_port: those carry our own answer.
 * Negative errno; *ret_deleted counts. */
int conntrack_forget(struct netlink *nl, const struct addr *addrs, size_t count,
		     uint16_t portal_port, uint16_t divert_port, size_t *ret_deleted);
