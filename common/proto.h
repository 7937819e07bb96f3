/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the processes of portald, over SOCK_SEQPACKET socket pairs: one struct each,
 * host byte order, one size each, compared before the body is touched (common/msg.c).  A malformed
 * message makes its receiver exit.
 *
 *   web -> engine   MSG_WEB_LOOKUP, _LOGIN, _LOGOUT, _EXTEND (struct web_request)
 *                   MSG_WEB_COUNTS unasked, at most once a second for each zone
 *   engine -> web   MSG_WEB_REPLY with the id of the request; MSG_WEB_BUNDLE with a bundle's
 *                   descriptor (reload)
 *   engine -> gate  MSG_GATE_ZONE for each zone, then MSG_GATE_LOAD; afterwards the verbs of
 *                   nft/verbs.c
 *   gate -> engine  MSG_GATE_DONE or MSG_GATE_COUNTERS with the id of the verb; before it, for
 *                   MSG_GATE_DUMP, MSG_GATE_SESSION any number of times; MSG_GATE_LINK,
 *                   MSG_GATE_FLUSHED and MSG_GATE_ABILITY unasked
 *   gate -> web     MSG_QUEUE_OPEN with the queue's descriptor; MSG_QUEUE_ZONE when an interface came
 *   web -> gate     MSG_QUEUE_DROP, MSG_GARDEN_ANSWER
 */
#pragma once

#include <stdint.h>

#include "common/addr.h"
#include "common/session_limits.h"

enum {
	ZONES_MAX = 64,
	WORKERS_MAX = 64,
	ZONE_NAME_MAX = 32, /* with its NUL; letters, digits, '-' */
	IFNAME_MAX = 16,    /* with its NUL: IFNAMSIZ */
	NOTE_MAX = 96,	    /* with its NUL; UTF-8 without control characters */
	COMMENT_MAX = 128,  /* with its NUL: what the kernel keeps with a member */
	CHANGE_MAX = 256,   /* elements in one MSG_GATE_BULK: one transaction, some milliseconds */
	COUNTERS_MAX = 256, /* keys in one MSG_GATE_READ */
	RESTORE_MAX = 256,  /* members in one MSG_GATE_RESTORE: one transaction */
	FORGET_ADDRS_MAX = 1024, /* addresses in one MSG_GATE_FORGET */
	ERROR_TEXT_MAX = 256,
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
	MSG_GATE_BULK,
	MSG_GATE_READ,
	MSG_GATE_COUNTERS,
	MSG_GATE_DUMP,
	MSG_GATE_SESSION,
	MSG_GATE_FORGET,
	MSG_GATE_DONE,
	MSG_GATE_LINK,
	MSG_QUEUE_OPEN,
	MSG_QUEUE_ZONE,
	MSG_QUEUE_DROP,
	MSG_GATE_FLUSHED,
	MSG_GATE_OPEN,
	MSG_WEB_COUNTS,
	MSG_WEB_EXTEND,
	MSG_GATE_ABILITY,
	MSG_GATE_RESTORE,
	MSG_GARDEN_ANSWER,
	MSG_TYPES
};

struct msg_head {
	uint32_t type;
	uint32_t id; /* chosen by the asker, given back in the answer */
};
