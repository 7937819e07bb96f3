/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The elements of a zone's walled garden, in nft's language. */
#pragma once

#include <stdio.h>

#include "common/proto_ruleset.h"
#include "nft/opened.h"

/* Adds a valid zone's entries, and what DNS answers have opened of its names, to its sets, which are there and empty. */
void garden_write(FILE *out, const struct gate_zone *zone, struct opened *opened);
