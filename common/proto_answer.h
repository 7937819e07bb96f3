/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages from the gate to the engine: answers to its verbs, and what it says unasked. */
#pragma once

#include "common/proto.h"

/* The answer to MSG_GATE_READ, and to a revoke, in its order. */
_Static_assert((int)CHANGE_MAX <= (int)COUNTERS_MAX, "those of a revoke are one answer");
struct gate_counters {
	struct msg_head head;
	uint32_t count;
	uint32_t pad;
	struct counters counters[COUNTERS_MAX];
};

struct gate_session {
	struct msg_head head;
	uint32_t zone;
	struct mac mac;
	uint16_t pad;
	uint64_t ends_ms; /* CLOCK_BOOTTIME; 0: it has no end */
	char comment[COMMENT_MAX];
};

struct gate_done {
	struct msg_head head;
	int32_t error; /* 0, or negative errno */
	uint32_t pad;
	char text[ERROR_TEXT_MAX]; /* what the kernel or nft said */
};

/* What this kernel can, before the answer to MSG_GATE_LOAD. */
struct gate_ability {
	struct msg_head head;
	int32_t egress;	  /* 0: it has the egress hook; -EOPNOTSUPP: not; -EPERM: not known */
	uint32_t missing; /* members are there, but not towards them: all must be put again */
	char names[ERROR_TEXT_MAX]; /* why host names of walled gardens stay closed, or "" */
};

enum link_state { LINK_MISSING = 1, LINK_READY, LINK_REFUSED /* not Ethernet-like */, LINK_FAILED };

struct gate_link {
	struct msg_head head;
	uint32_t zone;
	uint32_t state; /* enum link_state */
};

/* Somebody removed or changed the tables.  The ruleset is loaded again, without members; the zones
 * stay closed until MSG_GATE_OPEN. */
struct gate_flushed {
	struct msg_head head;
	uint32_t round;
	uint32_t pad;
};
