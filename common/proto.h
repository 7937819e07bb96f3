/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the processes of portald, over SOCK_SEQPACKET socket pairs: one struct each,
 * host byte order, one size each, compared before the body is touched (common/msg.c).  A malformed
 * message makes its receiver exit.
 *
 *   web -> engine   MSG_WEB_LOOKUP, _LOGIN, _LOGOUT (struct web_request), answered by MSG_WEB_REPLY
 * with the same id engine -> web   MSG_WEB_BUNDLE with a bundle's descriptor (reload) engine ->
 * gate  MSG_GATE_ZONE for each zone, then MSG_GATE_LOAD; afterwards the verbs of nft/gate.c gate ->
 * engine  MSG_GATE_DONE with the same id for each verb; MSG_GATE_SESSION while MSG_GATE_DUMP is
 * under way; MSG_GATE_LINK unasked
 */
#pragma once

#include <stdint.h>

#include "common/addr.h"

enum {
	ZONES_MAX = 64,
	ZONE_NAME_MAX = 32,	 /* with its NUL; letters, digits, '-' */
	IFNAME_MAX = 16,	 /* with its NUL: IFNAMSIZ */
	NOTE_MAX = 96,		 /* with its NUL; UTF-8 without control characters */
	CHANGE_MAX = 4096,	 /* elements in one MSG_GATE_CHANGE: one transaction */
	COUNTERS_MAX = 256,	 /* keys in one MSG_GATE_READ */
	FORGET_ADDRS_MAX = 1024, /* addresses in one MSG_GATE_FORGET */
	ERROR_TEXT_MAX = 256,
};

/* Descriptors that the children of portald find open. */
enum {
	FD_ENGINE = 3, /* the socket pair to the engine */
	FD_BUNDLE = 4, /* web: its first bundle */
	FD_LISTEN = 5, /* web: for zone i (bundle order) FD_LISTEN + 2 i: divert port, FD_LISTEN + 2
			  i + 1: portal port */
};

enum msg_type {
	MSG_WEB_LOOKUP = 1,
	MSG_WEB_LOGIN,
	MSG_WEB_LOGOUT,
	MSG_WEB_REPLY,
	MSG_WEB_BUNDLE,
	MSG_GATE_ZONE,
	MSG_GATE_LOAD,
	MSG_GATE_CHANGE,
	MSG_GATE_READ,
	MSG_GATE_COUNTERS,
	MSG_GATE_DUMP,
	MSG_GATE_SESSION,
	MSG_GATE_FORGET,
	MSG_GATE_DONE,
	MSG_GATE_LINK,
	MSG_TYPES
};

struct msg_head {
	uint32_t type;
	uint32_t id; /* chosen by the asker, given back in the answer */
};

/* What the engine knows about a guest, or what became of its request. */
enum guest_state {
	GUEST_STRANGER = 1, /* on the network, no session */
	GUEST_ONLINE,	    /* has a session */
	GUEST_NO_DEVICE,    /* no usable neighbour entry for the address (yet): try again */
	GUEST_UNVERIFIED,   /* the connection was not opened by the MAC of the neighbour entry: try
			       again */
	GUEST_REFUSED,	    /* policy says no */
	GUEST_FAILED,	    /* the gateway could not do it: try again later */
};

struct web_request {
	struct msg_head head;
	uint32_t zone; /* index, bundle order */
	uint32_t pad;
	struct addr guest; /* the guest's end of the TCP connection, with its port */
};

struct web_reply {
	struct msg_head head;
	uint32_t state; /* enum guest_state */
	struct mac mac; /* STRANGER, ONLINE, UNVERIFIED */
	uint16_t pad;
	/* ONLINE only: */
	uint64_t seconds_used;
	uint64_t seconds_left;
	uint64_t bytes_up;   /* from the guest */
	uint64_t bytes_down; /* towards the guest */
};

struct web_bundle {
	struct msg_head head;
};

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
struct gate_change {
	struct msg_head head;
	uint32_t op; /* enum change_op */
	uint32_t zone;
	uint32_t count;
	uint32_t pad;
	struct addr opened_by; /* family 4 or 6: only if element 0 opened this connection (then
				  count is 1), else -EKEYREJECTED */
	char comment[128];     /* kept with the element, read back by MSG_GATE_DUMP */
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
	char comment[128];
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
