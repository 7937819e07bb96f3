/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the ruleset to a gateway that is ready.  The kernel is asked first, the store second: what the kernel
 * has goes on as it is there; what only the store has, and has time left, is put into the kernel again.
 *
 * The store is read by its thread while the gate loads the ruleset and reads the kernel's members; what they
 * have comes into the table a few at a time.  Until all is there, nobody can say who has a session: what
 * guests ask waits in the workers' sockets, and what portalctl asks in its own, while strangers' requests are
 * answered with 511 by the workers alone.  Then guests are served, and members that the kernel lacks go
 * there in portions beside them; portalctl is served after that, as it looks at what the kernel holds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/notify.h"
#include "daemon/account.h"
#include "daemon/control_server.h"
#include "daemon/engine_private.h"
#include "daemon/persist.h"
#include "daemon/restore.h"
#include "daemon/session_comment.h"

void engine_tell_start(const struct engine *e, char text[static ERROR_TEXT_MAX])
{
	const unsigned int count = HASH_COUNT(e->sessions.all);

	if (e->loaded)
		snprintf(
			text, ERROR_TEXT_MAX,
			"portald is starting: %u session(s) are known, those that the kernel lacks "
			"are put there; wait",
			count);
	else
		snprintf(text, ERROR_TEXT_MAX,
			 "portald is starting: it reads the sessions, %u so far; wait", count);
}

/* All members are in the kernel. */
static void become_ready(struct engine *e)
{
	e->ready = true;
	control_ready(e->control);
	notify("READY=1\nSTATUS=strangers are stopped, guests can log in");
	log_info("ready: %zu zone(s), %u session(s)", e->config->zone_count,
		 HASH_COUNT(e->sessions.all));
}

static void sessions_known(struct engine *e)
{
	e->loaded = true;
	sessions_release(&e->sessions);
	accounting_begin(e);
	for (size_t i = 0; i < e->worker_count; i++)
		channel_start(&e->workers[i].channel);
	notify("STATUS=guests can log in; the kernel gets the sessions that it lacks");
	restore_members(e, become_ready);
}

/* The kernel's sessions, one by one; what is in the sets is online, whatever we remember. */
static void session_dumped(void *data, const union msg *msg)
{
	struct engine *e = data;

	if (msg->head.type == MSG_GATE_DONE) {
		if (msg->gate_done.error < 0)
			engine_fail(e, "cannot read the sessions from the kernel: %s",
				    msg->gate_done.text);
		else
			persist_load(e, sessions_known);
		return;
	}
	const struct gate_session *g = &msg->gate_session;

	if (g->zone >= e->config->zone_count) {
		engine_fail(e, "malformed message from portald-gate");
		return;
	}
	/* one without an end is trusted, which the store knows, or goes soon */
	const uint64_t ends_ms =
		g->ends_ms ? g->ends_ms : now_boot_ms() + CONFIG_SESSION_MAX * UINT64_C(1000);
	struct session *s = sessions_put(&e->sessions, g->zone, &g->mac, ends_ms);

	if (!s) {
		engine_fail(e, "out of memory");
		return;
	}
	session_parse_comment(s, g->comment);
	s->found = true;
	s->round = e->put_all ? ROUND_NEVER : e->flush_round;
	s->endless = g->ends_ms == 0;
}

static void ruleset_loaded(void *data, const union msg *reply)
{
	struct msg_head dump = {.type = MSG_GATE_DUMP};
	struct engine *e = data;

	if (reply->gate_done.error < 0)
		engine_fail(e, "cannot load the ruleset: %s", reply->gate_done.text);
	else if (gate_client_ask(&e->gate, &dump, session_dumped, e) < 0)
		engine_fail(e, "out of memory");
}

void engine_start(struct engine *e)
{
	notify("STATUS=reading the sessions");
	channel_start(&e->gate.channel);
	control_start(e->control);
	engine_load_ruleset(e, ruleset_loaded);
}
