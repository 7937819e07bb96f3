/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/guest.h"
#include "daemon/member.h"
#include "daemon/neigh.h"
#include "daemon/policy.h"
#include "daemon/restore.h"
#include "daemon/trust.h"

/* So many messages may wait for the gate; beyond that guests are asked to try again. */
enum { GATE_BACKLOG_MAX = CHANNEL_QUEUE_MAX / 2 };

/* A request on its way. */
struct asking {
	struct worker *worker;
	uint32_t id, zone;
	struct mac mac;
	bool login; /* it asks to log in */
};

static struct policy_request ask_to_extend(const struct engine *e, const struct session *s)
{
	const struct zone_config *zone = &e->config->zones[s->key.zone];

	return (struct policy_request){
		.ask = ASK_EXTEND,
		.has_session = true,
		.seconds_max = CONFIG_SESSION_MAX,
		.left_ms = session_left_ms(s),
		.zone_limits = s->limits,
		.trusted = trust_covers(e, s->key.zone, &s->key.mac),
		.by_login = s->how == HOW_LOGIN,
		.used = session_seconds_used(s),
		.zone_extend = zone->extend,
		.zone_longest = zone->extend_max,
	};
}

static void reply(const struct asking *a, enum guest_state state)
{
	struct engine *e = a->worker->engine;
	struct web_reply r = {.head = {MSG_WEB_REPLY, a->id}, .state = state, .mac = a->mac};
	const struct session *s = sessions_find(&e->sessions, a->zone, &a->mac);

	if (state == GUEST_ONLINE && trust_covers(e, a->zone, &a->mac)) {
		r.seconds_left = UINT64_MAX;
		r.bytes_left = UINT64_MAX;
	} else if (state == GUEST_ONLINE && !s) {
		r.state = GUEST_STRANGER; /* it ended while we asked */
	} else if (state == GUEST_ONLINE) {
		r.seconds_left = session_seconds_left(s);
		r.seconds_used = session_seconds_used(s);
		r.bytes_up = s->used.bytes_up;
		r.bytes_down = s->used.bytes_down;
		r.bytes_left = policy_bytes_left(&s->limits, &s->used);
		const struct policy_request request = ask_to_extend(e, s);
		const struct policy_extension more = policy_extension(&request);

		r.can_extend = more.ever;
		r.seconds_extended = (more.to_ms + 999) / 1000;
	}
	if (a->login)
		e->metrics.logins[a->zone][r.state]++;
	channel_send(&a->worker->channel, &r.head);
}

static void reply_and_free(struct asking *a, enum guest_state state)
{
	reply(a, state);
	free(a);
}

static void counted(void *data, const union msg *msg)
{
	bool good = msg->head.type == MSG_GATE_COUNTERS && msg->gate_counters.count == 1;
	struct asking *a = data;
	struct session *s = sessions_find(&a->worker->engine->sessions, a->zone, &a->mac);

	if (s && good)
		session_count(s, &msg->gate_counters.counters[0]);
	reply_and_free(a, GUEST_ONLINE);
}

/* With what the kernel has counted. */
static void reply_online(struct asking *a)
{
	struct gate_read read = {.head = {MSG_GATE_READ, 0}, .zone = a->zone, .count = 1};
	struct engine *e = a->worker->engine;

	read.macs[0] = a->mac;
	if (restore_first(e, a->zone, &a->mac, 1) < 0 ||
	    gate_client_ask(&e->gate, &read.head, counted, a) < 0)
		reply_and_free(a, GUEST_FAILED);
}

static void logged_in(void *data, int error, size_t replaced)
{
	(void)replaced;
	reply_and_free(data, error == 0		      ? GUEST_ONLINE
			     : error == -EKEYREJECTED ? GUEST_UNVERIFIED
						      : GUEST_FAILED);
}

static void logged_out(void *data, int error, size_t replaced)
{
	(void)replaced;
	reply_and_free(data, error == 0 ? GUEST_STRANGER : GUEST_FAILED);
}

static bool is_blocked(const struct asking *a)
{
	const struct engine *e = a->worker->engine;

	return maclist_find(&e->lists[STORE_BLOCK], e->config->zones[a->zone].name, &a->mac) !=
	       NULL;
}

static bool is_trusted(const struct asking *a)
{
	return trust_covers(a->worker->engine, a->zone, &a->mac);
}

static void look_up(struct asking *a, const struct addr *guest, const struct session *s)
{
	(void)guest;
	if (is_blocked(a))
		reply_and_free(a, GUEST_REFUSED);
	else if (is_trusted(a))
		reply_and_free(a, GUEST_ONLINE);
	else if (s)
		reply_online(a);
	else
		reply_and_free(a, GUEST_STRANGER);
}

static void log_in(struct asking *a, const struct addr *guest, const struct session *s)
{
	struct engine *e = a->worker->engine;
	const struct policy_request request = {
		.ask = ASK_LOGIN,
		.has_session = s != NULL,
		.zone_session = e->config->zones[a->zone].session,
		.seconds_max = CONFIG_SESSION_MAX,
		.zone_limits = e->config->zones[a->zone].limits,
		.blocked = is_blocked(a),
		.trusted = is_trusted(a),
	};
	const struct policy_decision d = policy_decide(&request);

	if (d.verdict == POLICY_KEEP) {
		reply_online(a);
		return;
	}
	if (d.verdict != POLICY_GRANT) {
		reply_and_free(a, GUEST_REFUSED);
		return;
	}
	const struct member_grant grant = {
		.by = actor_guest,
		.zone = a->zone,
		.how = HOW_LOGIN,
		.seconds = d.seconds,
		.limits = d.limits,
		.note = "",
		.opened_by = guest,
		.macs = &a->mac,
		.count = 1,
	};
	if (member_grant(e, &grant, logged_in, a) < 0)
		reply_and_free(a, GUEST_FAILED);
}

static void log_out(struct asking *a, const struct addr *guest, const struct session *s)
{
	const struct policy_request request = {.ask = ASK_LOGOUT, .has_session = s != NULL};

	(void)guest;
	if (policy_decide(&request).verdict != POLICY_REVOKE)
		reply_and_free(a, is_trusted(a) ? GUEST_ONLINE : GUEST_STRANGER);
	else if (member_revoke(a->worker->engine, a->zone, &a->mac, 1, &actor_guest, "logout",
			       logged_out, a) < 0)
		reply_and_free(a, GUEST_FAILED);
}

static void extended(void *data, int error, size_t replaced)
{
	struct asking *a = data;

	(void)replaced;
	if (error == 0)
		reply_online(a);
	else
		reply_and_free(a, error == -ESRCH ? GUEST_STRANGER : GUEST_FAILED);
}

/* As `portalctl set` does: one transaction, counters and what is used of quotas stay. */
static void extend(struct asking *a, const struct addr *guest, const struct session *s)
{
	struct engine *e = a->worker->engine;

	if (!s || is_blocked(a) || is_trusted(a)) {
		look_up(a, guest, s);
		return;
	}
	const struct policy_request request = ask_to_extend(e, s);
	const struct policy_decision d = policy_decide(&request);
	const struct member_change to = {
		.by = actor_guest,
		.event = "extend",
		.left_ms = d.left_ms,
		.limits = d.limits,
		.note = s->note,
	};

	if (d.verdict != POLICY_GRANT) {
		reply_online(a);
		return;
	}
	int r = member_change(e, s, &to, extended, a);

	if (r < 0)
		extended(a, r, 0);
}

static const struct {
	enum msg_type type;
	void (*run)(struct asking *a, const struct addr *guest, const struct session *s);
} requests[] = {
	{MSG_WEB_LOOKUP, look_up},
	{MSG_WEB_LOGIN, log_in},
	{MSG_WEB_LOGOUT, log_out},
	{MSG_WEB_EXTEND, extend},
};

/* The guest is the MAC that the neighbour table has for its address on the zone's own interface. */
static int identify(struct engine *e, uint32_t zone, const struct addr *guest, struct mac *ret_mac)
{
	unsigned int ifindex = if_nametoindex(e->config->zones[zone].interface);

	return ifindex ? neigh_find(&e->rtnl, ifindex, guest, ret_mac) : -ENOENT;
}

static void run(struct worker *w, const struct web_request *q, size_t which)
{
	const bool login = requests[which].type == MSG_WEB_LOGIN;
	bool busy = w->engine->gate.channel.queued > GATE_BACKLOG_MAX;
	struct asking *a = busy ? NULL : calloc(1, sizeof(*a));

	if (!a) {
		reply(
			&(struct asking){
				.worker = w, .id = q->head.id, .zone = q->zone, .login = login},
			GUEST_FAILED);
		return;
	}
	*a = (struct asking){.worker = w, .id = q->head.id, .zone = q->zone, .login = login};
	if (identify(w->engine, q->zone, &q->guest, &a->mac) < 0) {
		reply_and_free(a, GUEST_NO_DEVICE);
		return;
	}
	struct session *s = sessions_find(&w->engine->sessions, q->zone, &a->mac);

	if (s)
		session_saw(s, &q->guest);
	requests[which].run(a, &q->guest, s);
}

void guest_request(void *worker, const union msg *msg)
{
	const struct web_request *q = &msg->web_request;
	struct worker *w = worker;

	if (msg->head.type == MSG_WEB_COUNTS &&
	    metrics_web(&w->engine->metrics, w->engine->config->zone_count, &msg->web_counts) == 0)
		return;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].type != msg->head.type)
			continue;
		if (q->zone >= w->engine->config->zone_count ||
		    (q->guest.family != 4 && q->guest.family != 6))
			break;
		run(w, q, i);
		return;
	}
	engine_fail(w->engine, "malformed message from portald-web (pid %d)", (int)w->pid);
}
