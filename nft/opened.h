/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses that DNS answers have opened in a zone's walled garden: what the kernel holds, and for which host name.  It is
 * kept here so that an answer with a short TTL does not cut short what another one opened for longer, and so that a reload
 * or somebody's flush loses nothing; a gate that starts reads it from the kernel (nft/garden_set.h).  An address is open until
 * the last TTL that was told for it, and no longer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/garden.h"

enum {
	/* Addresses of one name that are open at a time.  A wildcard has as many as those make up whose names they are; it
	 * takes no room from others. */
	OPENED_SHARE = 128,
};

/* One element in the kernel; end: milliseconds, CLOCK_MONOTONIC, which is the clock of timeouts. */
struct opened_address {
	struct addr addr;
	uint16_t port; /* with its protocol: of the name */
	uint8_t protocol;
	uint8_t name; /* index into the garden's names */
	uint64_t end;
};

struct opened {
	size_t count, room;
	struct opened_address *each; /* several names may have the same address */
};

uint64_t opened_now(void);

/* An answer tells: this name has this address until `end`.  1: the kernel's element must end then; 0: it ends later anyway;
 * -ENOSPC: the name has its share; -ENOMEM. */
int opened_note(struct opened *o, const struct garden *garden, size_t name, const struct addr *addr,
		uint64_t end, uint64_t now);

/* Are they one element in the kernel? */
bool opened_same(const struct opened_address *a, const struct opened_address *b);

/* The list changes: addresses of names that both lists have stay. */
void opened_follow(struct opened *o, const struct garden *old, const struct garden *fresh);
void opened_clear(struct opened *o);

/* Sorts them by element, without those that have ended.  Of several for one element, the first has the latest end. */
void opened_sort(struct opened *o, uint64_t now);
bool opened_is_first(const struct opened *o, size_t i);
