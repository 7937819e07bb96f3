/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages from the engine to the gate: what the ruleset is made of. */
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
	uint32_t packet_ceiling;     /* likewise, packets with divert "queue" */
	uint32_t dns_limit;	     /* DNS packets of a stranger to the gateway, a second */
	uint32_t refuse_limit;	     /* resets and (a fifth) ICMP errors to a stranger, a second */
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

/* The members are there again after MSG_GATE_FLUSHED: the zones may open.  One for a round that is
 * not the last does nothing. */
struct gate_open {
	struct msg_head head;
	uint32_t round;
	uint32_t pad;
};
