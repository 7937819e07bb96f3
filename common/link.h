/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces that come and go (rtnetlink). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/netlink.h"

struct link {
	uint32_t index; /* 0: there is none of that name */
	uint16_t type;	/* ARPHRD_ETHER: guests have MACs */
	bool bridge;
	bool bridge_port; /* its packets arrive on the bridge: rules that name the port see none */
	struct mac mac;
	uint32_t mtu;
	struct addr addrs[2]; /* IPv4 and IPv6 that a link can lead to; family 0: none */
};

bool link_equal(const struct link *a, const struct link *b);

/* Looks one up by name; an absent one is no error. */
int link_find(struct netlink *nl, const char *name, struct link *ret_link);

/* Fills its addrs: of each family the first that is neither link-local nor on its way in or out. */
int link_find_addrs(struct netlink *nl, struct link *link);

/* A socket that becomes readable when some interface or address changed. */
int link_watch_init(struct netlink *nl);
/* Reads away what it has; negative errno if it is broken.  The caller looks its interfaces up
 * again.  gone is called for each that was deleted, though another may have its name and index by
 * now, and with 0 if messages were lost: any may have been. */
typedef void link_gone_fn(void *data, uint32_t index);
int link_watch_drain(struct netlink *nl, link_gone_fn *gone, void *data);
