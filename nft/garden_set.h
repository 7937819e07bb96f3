/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sets of addresses that are open in a zone's walled garden, each for a time and with a comment that says why
 * (nft/garden_comment.h). */
#pragma once

#include "common/proto_ruleset.h"
#include "nft/opened.h"
#include "nft/set.h"

enum { GARDEN_CHANGE_MAX = 256 }; /* addresses of one transaction */

/* In one transaction, until their ends; whatever end an element had is replaced.  Negative errno: nothing was changed. */
int garden_set_open(struct sets *sets, const struct gate_zone *zone,
		    const struct opened_address *addresses, size_t count, uint64_t now);

/* What names of the zone have opened, in whatever gate's time: all that the kernel holds and that says so.  Of an element that
 * several names opened, the one with the latest end is known.  Negative errno. */
int garden_set_read(struct sets *sets, const struct gate_zone *zone, struct opened *ret_opened);
