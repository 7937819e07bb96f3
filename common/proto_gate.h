/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages from the engine to the gate: its verbs, but for those of the ruleset (common/proto_ruleset.h). */
#pragma once

#include "common/proto.h"

enum change_op {
	CHANGE_GRANT = 1,
	CHANGE_REVOKE,
	CHANGE_TRUST, /* a grant without an end */
	CHANGE_ALTER, /* a grant of members: -ESRCH if one of them is none (any more) */
};

struct change_element {
	struct mac mac;
	uint16_t pad;
	uint64_t ends_ms; /* grant: by CLOCK_BOOTTIME, however long this waits; the others: 0 */
};

/* Grants or revokes elements [0, count) of one zone in one transaction.  A grant of a member
 * replaces its timeout and its limits and keeps its counters; what they have counted counts against
 * quotas.  A revoke of a MAC that is no member is fine; the answer to one is MSG_GATE_COUNTERS, with what
 * each had used when it went. */
struct change {
	uint32_t op; /* enum change_op */
	uint32_t zone;
	uint32_t count;
	struct addr opened_by;	   /* family 4 or 6 (a change of one): only if that MAC opened this
				      connection, else -EKEYREJECTED */
	struct limits limits;	   /* of all; revoke: those that they have, as far as is known */
	char comment[COMMENT_MAX]; /* kept with the element, read back by MSG_GATE_DUMP */
};

struct gate_change { /* of one guest */
	struct msg_head head;
	struct change change;
	struct change_element element;
};

struct gate_bulk { /* of many */
	struct msg_head head;
	struct change change;
	struct change_element elements[CHANGE_MAX];
};

/* A member as it was before the kernel lost it. */
struct lost_member {
	struct mac mac;
	uint16_t pad;
	uint64_t ends_ms; /* CLOCK_BOOTTIME; 0: without an end */
	struct limits limits;
	struct counters used;
	char comment[COMMENT_MAX];
};

/* Puts members [0, count) of one zone back, in one transaction.  One that is there keeps its
 * counters. */
struct gate_restore {
	struct msg_head head;
	uint32_t zone;
	uint32_t count;
	struct lost_member members[RESTORE_MAX];
};

struct gate_read {
	struct msg_head head;
	uint32_t zone;
	uint32_t count;
	struct mac macs[COUNTERS_MAX];
};

/* Deletes the conntrack entries of these addresses, but for connections to the portal itself.  The answer
 * comes when that is done, after those to later messages maybe. */
struct gate_forget {
	struct msg_head head;
	uint32_t zone;
	uint32_t count;
	struct addr addrs[FORGET_ADDRS_MAX];
};
