/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens addresses of a zone's walled garden in the kernel, each for a time. */
#pragma once

#include "nft/opened.h"
#include "nft/set.h"

enum { GARDEN_CHANGE_MAX = 256 }; /* addresses of one transaction */

/* In one transaction, until their ends; whatever end an element had is replaced.  Negative errno: nothing was changed. */
int garden_set_open(struct sets *sets, const char *zone, const struct opened_address *addresses,
		    size_t count, uint64_t now);
