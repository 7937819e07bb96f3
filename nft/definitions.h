/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of portal.nft the kernel cannot change in a table that is there: sets, maps, and the hooks of
 * base chains.  Everything else (rules, chains without a hook) a new version changes as a reload does.
 */
#pragma once

#include <stdint.h>

/* The same for texts whose definitions are the same, whatever their rules and comments. */
uint64_t definitions_hash(const char *text);
