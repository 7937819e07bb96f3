/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of a zone in the kernel.  A member is an element of three sets, or of up to five if it has
 * rates (see portal.nft; of those in table inet alone where the kernel has no egress hook), which one
 * transaction adds and one removes; nobody but this file, and nft/garden_set.c for the walled garden,
 * writes set elements.
 *
 * A replaced grant is delete and add in one transaction, with the counters as read just before:
 * adding a live element again changes its timeout on newer kernels only, and on 6.1 reports success
 * and changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* the default one falls through switch labels, which clang warns of */
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#include "common/netlink.h"
#include "common/proto_answer.h"
#include "common/proto_gate.h"

enum { SETS_BUFFER = 1024 * 1024 }; /* bytes: CHANGE_MAX replaced grants are a quarter of it */

struct sets {
	struct netlink *nl; /* NETLINK_NETFILTER */
	char *buf;	    /* one transaction, SETS_BUFFER */
	bool egress;	    /* there are sets in table netdev portald */
};

int sets_init(struct sets *sets, struct netlink *nl);
void sets_finish(struct sets *sets);

/* zone: its name; change: op, count, limits, comment (at most 127 bytes).
 * An end of 0: none.  Negative errno: nothing was changed; -ESRCH: CHANGE_ALTER of one that is no member. */
int set_grant(struct sets *sets, const char *zone, const struct change *change,
	      const struct change_element *elements);
/* A MAC that is no member is fine.  ret_counters: what each had used just before; who was no member, or cannot be read, is absent. */
int set_revoke(struct sets *sets, const char *zone, const struct change *change,
	       const struct change_element *elements, struct counters *ret_counters);

/* Members as they were; one that is there keeps its counters. */
int set_restore(struct sets *sets, const char *zone, const struct lost_member *lost, size_t count);

/* A MAC that is no member is absent in ret_counters. */
int set_read(struct sets *sets, const char *zone, const struct mac *macs, size_t count,
	     struct counters *ret_counters);

/* Calls fn for each member of the zone.  ends_ms: CLOCK_BOOTTIME; 0: it has no end. */
typedef void set_dump_fn(void *data, const struct mac *mac, uint64_t ends_ms, const char *comment);
int set_dump(struct sets *sets, const char *zone, set_dump_fn *fn, void *data);

/* All that the kernel holds of one member. */
struct holding {
	struct lost_member is; /* of its limits those that the kernel keeps */
	UT_hash_handle hh;     /* while it is read */
};

/* Completes what set_dump() said of these. */
int set_read_holdings(struct sets *sets, const char *zone, struct holding *holdings, size_t count);
/* Into sets that have none of them; CHANGE_MAX in one transaction. */
int set_put_holdings(struct sets *sets, const char *zone, const struct holding *holdings,
		     size_t count);

/* 0 if this MAC, and no other, opened the connection from guest->port (ZONE_syn, ZONE_twice);
 * -EKEYREJECTED if not. */
int set_opened_by(struct sets *sets, const char *zone, const struct addr *guest,
		  const struct mac *mac);

/* Packets towards these interfaces, and no others, may pass (set armed): their egress chains are in
 * place.  What was armed before and still is stays so throughout.  An index of 0 is passed over. */
int set_arm_only(struct sets *sets, const uint32_t *indexes, size_t count);
