/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages from the engine to the gate: its verbs. */
#pragma once

#include "common/garden.h"
#include "common/proto.h"

enum divert { DIVERT_REDIRECT = 1, DIVERT_QUEUE };

struct gate_zone {
	struct msg_head head;
	uint32_t divert; /* enum divert */
	char name[ZONE_NAME_MAX];
	char interface[IFNAME_MAX];
	uint16_t portal_port;
	uint16_t divert_port;
	uint16_t tls_port;
	uint16_t tls; /* there is a certificate: port 443 of the gateway is the portal's */
	uint32_t connection_limit;   /* new port-80 connections of a stranger, a second */
	uint32_t connection_ceiling; /* of all strangers together */
	uint32_t dns_limit;	     /* DNS packets of a stranger to the gateway, a second */
	uint32_t refuse_limit;	     /* resets and ICMP errors to a stranger, a second */
	struct garden garden;	     /* where strangers may go */
};

/* Takes the MSG_GATE_ZONE messages since the last load; their order is the zones' index. */
struct gate_load {
	struct msg_head head;
	uint32_t mark;
	uint16_t queue_first;	/* number of the first worker's NFQUEUE */
	uint16_t queue_count;	/* workers; 0: no zone has divert "queue" */
	uint16_t answers_queue; /* number of the NFQUEUE of DNS answers */
	uint16_t pad;
};

enum change_op { CHANGE_GRANT = 1, CHANGE_REVOKE, CHANGE_TRUST /* a grant without an end */ };

struct change_element {
	struct mac mac;
	uint16_t pad;
	uint64_t ends_ms; /* grant: by CLOCK_BOOTTIME, however long this waits; the others: 0 */
};

/* Grants or revokes elements [0, count) of one zone in one transaction.  A grant of a member
 * replaces its timeout and its limits and keeps its counters; what they have counted counts against
 * quotas.  A revoke of a MAC that is no member is fine. */
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

/* The members are there again after MSG_GATE_FLUSHED: the zones may open.  One for a round that is
 * not the last does nothing. */
struct gate_open {
	struct msg_head head;
	uint32_t round;
	uint32_t pad;
};

struct gate_dump {
	struct msg_head head;
};

/* Deletes the conntrack entries of these addresses, but for connections to the portal itself. */
struct gate_forget {
	struct msg_head head;
	uint32_t zone;
	uint32_t count;
	struct addr addrs[FORGET_ADDRS_MAX];
};
