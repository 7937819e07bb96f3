/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between the engine and the gate: the gate's verbs and its answers. */
#pragma once

#include "common/proto.h"

struct gate_zone {
	struct msg_head head;
	char name[ZONE_NAME_MAX];
	char interface[IFNAME_MAX];
	uint16_t portal_port;
	uint16_t divert_port;
	uint32_t connection_limit; /* new port-80 connections of a stranger, a second */
	uint32_t dns_limit;	   /* DNS packets of a stranger to the gateway, a second */
	uint32_t refuse_limit;	   /* resets and ICMP errors to a stranger, a second */
};

/* Takes the MSG_GATE_ZONE messages since the last load; their order is the zones' index. */
struct gate_load {
	struct msg_head head;
	uint32_t mark;
	uint32_t pad;
};

enum change_op { CHANGE_GRANT = 1, CHANGE_REVOKE };

struct change_element {
	struct mac mac;
	uint16_t pad;
	uint64_t timeout_ms; /* grant */
};

/* Grants or revokes elements [0, count) of one zone in one transaction.  A grant of a member
 * replaces its timeout and keeps its counters.  A revoke of a MAC that is no member is fine. */
struct change {
	uint32_t op; /* enum change_op */
	uint32_t zone;
	uint32_t count;
	uint32_t pad;
	struct addr opened_by;	   /* family 4 or 6 (a change of one): only if that MAC opened this
				      connection, else -EKEYREJECTED */
	char comment[COMMENT_MAX]; /* kept with the element, read back by MSG_GATE_DUMP */
};

/* Of one guest. */
struct gate_change {
	struct msg_head head;
	struct change change;
	struct change_element element;
};

/* Of many. */
struct gate_bulk {
	struct msg_head head;
	struct change change;
	struct change_element elements[CHANGE_MAX];
};

struct gate_read {
	struct msg_head head;
	uint32_t zone;
	uint32_t count;
	struct mac macs[COUNTERS_MAX];
};

struct counters {
	uint64_t packets_up, bytes_up;	   /* IP bytes from the guest */
	uint64_t packets_down, bytes_down; /* IP bytes towards the guest */
};

/* The answer to MSG_GATE_READ, in its order; zeroes for a MAC that is no member. */
struct gate_counters {
	struct msg_head head;
	uint32_t count;
	uint32_t pad;
	struct counters counters[COUNTERS_MAX];
};

struct gate_dump {
	struct msg_head head;
};

struct gate_session {
	struct msg_head head;
	uint32_t zone;
	struct mac mac;
	uint16_t pad;
	uint64_t left_ms;
	char comment[COMMENT_MAX];
};

/* Deletes the conntrack entries of these addresses, but for connections to the portal itself. */
struct gate_forget {
	struct msg_head head;
	uint32_t zone;
	uint32_t count;
	struct addr addrs[FORGET_ADDRS_MAX];
};

struct gate_done {
	struct msg_head head;
	int32_t error; /* 0, or negative errno */
	uint32_t pad;
	char text[ERROR_TEXT_MAX]; /* what the kernel or nft said */
};

enum link_state { LINK_MISSING = 1, LINK_READY, LINK_REFUSED /* not Ethernet-like */, LINK_FAILED };

struct gate_link {
	struct msg_head head;
	uint32_t zone;
	uint32_t state; /* enum link_state */
};
