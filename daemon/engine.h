/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One event loop that holds the sessions and speaks to gate, web workers and portalctl. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <event2/event.h>

#include "common/control.h"
#include "common/netlink.h"
#include "daemon/channel.h"
#include "daemon/config.h"
#include "daemon/gate_client.h"
#include "daemon/maclist.h"
#include "daemon/metrics.h"
#include "daemon/runs.h"
#include "daemon/sessions.h"

struct engine;

/* A web worker. */
struct worker {
	struct engine *engine;
	struct channel channel;
	pid_t pid;
};

struct engine {
	struct config *config;
	unsigned char secret[32];
	struct event_base *base;
	struct event *signals[3], *watchdog;
	struct netlink rtnl;
	struct gate_client gate;
	pid_t gate_pid;
	struct sessions sessions;
	struct maclist lists[STORE_LISTS]; /* by enum store_list */
	size_t worker_count;
	struct worker workers[WORKERS_MAX];
	enum link_state links[ZONES_MAX];
	bool no_egress;		       /* of the kernel: see daemon/egress.h */
	char no_names[ERROR_TEXT_MAX]; /* why host names of walled gardens stay closed, or "" */
	bool put_all;		/* at the start: the kernel has sets that lack members of others */
	uint32_t flush_round;	/* how often somebody flushed the ruleset */
	uint64_t restore_count; /* of messages that put members back; see member.c */
	uint64_t trusted_put_back; /* the last of them that had trusted devices */
	struct control *control;
	struct accounting *accounting;
	struct persist *persist;
	struct forgetting *forgetting; /* guests whose conntrack entries are to go */
	uint64_t started_ms;	       /* CLOCK_BOOTTIME */
	struct metrics metrics;
	uint64_t certificates_told; /* see certificate_tell() */
	struct runs runs;
	enum run_end ends_by;		       /* unless status is 0 */
	struct metrics_server *metrics_server; /* NULL: it is off */
	FILE *queue_drops;		       /* NULL: there is none; see daemon/queue_drops.h */
	bool loaded;			       /* the table has all sessions: guests are served */
	bool ready;			       /* and the kernel too: so is portalctl */
	int status;			       /* exit status once the loop has ended */
};

/* Ends the loop with exit status 1; text says why. */
void engine_fail(struct engine *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What the gate needs to know of a zone, and of all. */
void engine_describe_zone(const struct config *c, size_t index, struct gate_zone *ret_zone);
void engine_describe_load(const struct config *c, struct gate_load *ret_load);

/* Loads the ruleset of e->config; done(e, error, text) when the kernel has answered. */
void engine_load_ruleset(struct engine *e, gate_reply_fn *done);

/* SIGHUP: reads the configuration again; a bad one changes nothing. */
void engine_reload(struct engine *e);

/* For people, before it is ready: how far it is. */
void engine_tell_start(const struct engine *e, char text[static ERROR_TEXT_MAX]);
