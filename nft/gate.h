/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's state and its closed table of verbs. */
#pragma once

#include <stdbool.h>

#include "common/link.h"
#include "common/msg.h"
#include "common/netlink.h"
#include "nft/answers.h"
#include "nft/forget.h"
#include "nft/guard.h"
#include "nft/opened.h"
#include "nft/queue.h"
#include "nft/ruleset.h"
#include "nft/set.h"
#include "nft/tables.h"
#include "nft/watch.h"

struct gate {
	int engine;	      /* socket to the engine */
	uint16_t workers;     /* that read from NFQUEUEs */
	bool print;	      /* MSG_GATE_LOAD prints the ruleset instead of loading it */
	bool egress;	      /* the kernel has the hook; see nft/egress.h */
	struct netlink nl;    /* NETLINK_NETFILTER */
	struct netlink links; /* NETLINK_ROUTE, requests */
	struct netlink watch; /* NETLINK_ROUTE, notifications */
	struct ruleset ruleset;
	struct tables tables;
	struct sets sets;
	struct guard guard;
	struct watch flushes;
	struct forgetting forgetting;
	uint32_t round; /* how often the ruleset had to be restored */
	bool closed;	/* it is there again, but the members are not: the guard drops all */
	bool loaded;
	struct ruleset_globals globals;
	struct queues queues;
	struct answers answers;
	struct opened opened[ZONES_MAX]; /* by DNS answers, of zones */
	size_t count;			 /* zones that are loaded */
	struct gate_zone zones[ZONES_MAX];
	struct link armed[ZONES_MAX];	  /* index 0: none */
	enum link_state state[ZONES_MAX]; /* as the engine was told */
	size_t fresh_count;		  /* zones since the last load */
	struct gate_zone fresh[ZONES_MAX];
};

/* Does what one message asks and answers it.  Negative errno: the message was malformed or the
 * engine is gone, the gate must exit. */
int gate_dispatch(struct gate *gate, const union msg *msg);
/* Answers a MSG_GATE_FORGET. */
int gate_forgot(void *gate, uint32_t id, int error);

/* If somebody took our tables away, or rules out of them: closes the zones, loads the ruleset again
 * and tells the engine, which restores the members and then says MSG_GATE_OPEN.  1: that was so.
 * Negative errno: exit. */
int gate_check_tables(struct gate *gate);
/* The same, for one who knows that it is so. */
int gate_restore(struct gate *gate);

/* Opens the zones after a restoration; an outdated round changes nothing. */
int gate_open(struct gate *gate, uint32_t round);

/* A message of the first worker's about a DNS answer: opens what it tells, then lets it go on.  Negative errno: exit. */
int gate_take_answer(struct gate *gate);
/* Before gate->zones are replaced by gate->fresh: what their lists have in common stays open. */
void gate_follow_garden(struct gate *gate);
/* At the start, before anything is loaded: what an earlier gate opened for names that are still listed stays open, and the load
 * closes the rest. */
void gate_recall_garden(struct gate *gate);
void gate_close_garden(struct gate *gate);
