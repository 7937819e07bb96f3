/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard's rules, by libnftnl.  Each is malloc()ed and lacks table and chain; NULL: no memory. */
#pragma once

#include <stdint.h>

#include <libnftnl/rule.h>

/* The set of interfaces, made in the same transaction. */
#define GUARD_ZONES "zones"
enum { GUARD_ZONES_ID = 1 };

/* meta mark and MARK == MARK accept */
struct nftnl_rule *guard_rule_marked(uint32_t mark);
/* iifname @zones drop (NFT_META_IIFNAME), or oifname */
struct nftnl_rule *guard_rule_drop(uint32_t key);
/* Neighbour discovery (RFC 4861): accept */
struct nftnl_rule *guard_rule_discovery(void);
/* To this port of the address of the interface that it came in by: accept */
struct nftnl_rule *guard_rule_local(uint8_t protocol, uint16_t port);
