/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trusted devices: members in the kernel without an end, and no sessions.  The engine's list says who
 * they are; a member without an end that is not on it goes at the next start.
 */
#pragma once

#include "daemon/member.h"

/* May the device pass without a session?  Blocked beats trusted. */
bool trust_covers(const struct engine *e, uint32_t zone, const struct mac *mac);

/* Lets devices of the list pass.  What sessions they have end here, not in the kernel: nothing is cut.
 * done as for member_grant(); -ENOMEM: it will not be called. */
int trust_begin(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
		const struct actor *by, member_done_fn *done, void *data);
/* Cuts devices off that are on the list no more; done comes after the conntrack entries are gone. */
int trust_end(struct engine *e, uint32_t zone, const struct mac *macs, size_t count,
	      const struct actor *by, member_done_fn *done, void *data);

/* The member that a trusted device is. */
void trust_describe(const struct mac *mac, struct lost_member *ret_member);

/* After a start: the kernel's member of a trusted device is no session, nor is what the store still has of
 * it.  True: it was one, and is gone. */
bool trust_take_over(struct engine *e, struct session *s);
