/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A start over tables of a version, older or newer, whose sets are defined otherwise.  The kernel
 * changes no set that is there, so the tables are made anew and their members put into them.
 *
 * Meanwhile the guard is closed: nothing is forwarded, so no stranger passes, no connection is reset,
 * and the counters that were read are the last word.  If we end in the middle, it stays closed until
 * the next start; that one finds the old tables whole, or the new ones, and in the store whoever is
 * missing there.
 */
#pragma once

#include "nft/gate.h"

/* 1: a table of ours is there that was made by other definitions.  0: none. */
int takeover_is_due(struct gate *gate);

/* rules: what the tables are to be, without leftovers.  Negative errno: why, or what nft said, is in
 * error; refused beforehand, nothing was changed. */
int takeover_run(struct gate *gate, const char *rules, char error[static ERROR_TEXT_MAX]);
