/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has this kernel the netdev family's egress hook (5.16 and newer, with CONFIG_NETFILTER_EGRESS and
 * CONFIG_NF_TABLES_NETDEV)?  It is asked to make a chain there, in a transaction without an end, of
 * which nothing stays.
 */
#pragma once

#include "common/netlink.h"

/* 0: it has.  -EOPNOTSUPP: it has not.  -EPERM: it does not tell this process. */
int egress_probe(struct netlink *nl);
