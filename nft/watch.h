/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices that somebody else took our tables away, or rules out of them.
 *
 * The socket hears of nf_tables' transactions, which makes one of 4,096 grants a third slower
 * and one of a single grant not measurably so.  A filter in the kernel keeps out our own and what
 * only changes elements (dnsmasq's nftset=, an address list of the host's), so that it never fills
 * up with those.  What is heard is a reason to look: the handles of our tables, which no new table
 * gets again, say whether they are the ones that we made.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/netlink.h"

enum { WATCHED_TABLES = 3 };

struct watch {
	struct netlink events;
	struct netlink *nl;		  /* NETLINK_NETFILTER, for questions */
	uint64_t handles[WATCHED_TABLES]; /* 0: not made yet */
	char by[16];			  /* the program that made the last change */
	bool egress;			  /* there is a table netdev portald */
	bool missed;			  /* what watch_look() found */
};

int watch_init(struct watch *w, struct netlink *nl);
void watch_finish(struct watch *w);

/* While we change rules through another socket of ours (libnftables), which the filter does not know.
 */
int watch_pause(struct watch *w);
int watch_resume(struct watch *w);

/* After a pause, in which nothing was heard: if a table is not the one that was there before, the next watch_take() says
 * so.  To be called while what is there of ours is what the last watch_remember() saw. */
int watch_look(struct watch *w);
/* None of the tables is known: ours are about to be made anew. */
void watch_forget(struct watch *w);

/* The tables that are there now are ours.  -ENOENT: one is not there. */
int watch_remember(struct watch *w);
/* The guard alone was made anew. */
int watch_remember_guard(struct watch *w);

/* Reads away what it heard.  1: a table of ours is gone or another one, or lost chains or rules.  0:
 * all is as it was.  Negative errno. */
int watch_take(struct watch *w);
