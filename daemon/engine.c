/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/garden_name.h"
#include "common/log.h"
#include "common/notify.h"
#include "daemon/ability.h"
#include "daemon/account.h"
#include "daemon/control_server.h"
#include "daemon/engine_private.h"
#include "daemon/engine_run.h"
#include "daemon/forget.h"
#include "daemon/guest.h"
#include "daemon/member.h"
#include "daemon/metrics_server.h"
#include "daemon/pages.h"
#include "daemon/persist.h"
#include "daemon/restore.h"
#include "daemon/watchdog.h"

void engine_fail(struct engine *e, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (e->status == 0)
		log_error("%s; portald ends, the kernel keeps guests online and strangers out",
			  text);
	e->status = 1;
	event_base_loopbreak(e->base);
}

static void link_changed(void *data, uint32_t zone, enum link_state state)
{
	static const char *const texts[] = {
		[LINK_MISSING] = "is not there; the zone waits for it",
		[LINK_READY] = "is ready",
		[LINK_REFUSED] =
			"is not Ethernet-like, or is a port of a bridge (then name the bridge); the zone stays closed",
		[LINK_FAILED] = "cannot be used; the zone stays closed towards guests",
	};
	struct engine *e = data;

	if (zone >= e->config->zone_count || state < LINK_MISSING || state > LINK_FAILED) {
		engine_fail(e, "malformed message from portald-gate");
		return;
	}
	e->links[zone] = state;
	log_write(state == LINK_READY ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		  "zone %s: interface %s %s", e->config->zones[zone].name,
		  e->config->zones[zone].interface, texts[state]);
}

void engine_describe_zone(const struct config *c, size_t index, struct gate_zone *ret_zone)
{
	const struct zone_config *z = &c->zones[index];
	const struct pair *pair = config_pair(c, z);
	char bad[GARDEN_TEXT_MAX];

	*ret_zone = (struct gate_zone){
		.head = {MSG_GATE_ZONE, 0},
		.divert = z->divert,
		.portal_port = z->portal_port,
		.divert_port = z->divert_port,
		.tls_port = z->tls_port,
		.tls = pair && pair->chain_pem,
		.connection_limit = z->connection_limit,
		.connection_ceiling = z->connection_ceiling,
		.packet_ceiling = z->packet_ceiling,
		.dns_limit = z->dns_limit,
		.refuse_limit = z->refuse_limit,
	};
	snprintf(ret_zone->name, sizeof(ret_zone->name), "%s", z->name);
	snprintf(ret_zone->interface, sizeof(ret_zone->interface), "%s", z->interface);
	garden_parse(z->garden, &ret_zone->garden, bad); /* config.c has checked it */
	garden_add_hosts(&ret_zone->garden, pair ? pair->hosts : NULL);
}

void engine_describe_load(const struct config *c, struct gate_load *ret_load)
{
	*ret_load = (struct gate_load){
		.head = {MSG_GATE_LOAD, 0},
		.mark = c->mark,
		.queue_first = (uint16_t)c->queue_first,
		.queue_count = (uint16_t)config_queues(c),
		.answers_queue = (uint16_t)(c->queue_first + c->workers),
	};
}

void engine_load_ruleset(struct engine *e, gate_reply_fn *done)
{
	struct gate_load load;

	engine_describe_load(e->config, &load);

	for (size_t i = 0; i < e->config->zone_count; i++) {
		struct gate_zone zone;

		engine_describe_zone(e->config, i, &zone);
		gate_client_tell(&e->gate, &zone.head);
	}
	if (gate_client_ask(&e->gate, &load.head, done, e) < 0)
		engine_fail(e, "out of memory");
}

static void on_stop(evutil_socket_t sig, short what, void *data)
{
	struct engine *e = data;

	(void)what;
	log_info("%s: portald ends, the kernel keeps guests online and strangers out",
		 strsignal((int)sig));
	notify("STOPPING=1");
	event_base_loopbreak(e->base);
}

static void on_hangup(evutil_socket_t sig, short what, void *data)
{
	(void)sig;
	(void)what;
	engine_reload(data);
}

static int init_signals(struct engine *e)
{
	static const struct {
		int sig;
		event_callback_fn fn;
	} signals[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_hangup}};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < 3; i++) {
		e->signals[i] = evsignal_new(e->base, signals[i].sig, signals[i].fn, e);
		if (!e->signals[i] || event_add(e->signals[i], NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int init_children(struct engine *e, struct engine_parts *parts)
{
	int r;

	e->gate_pid = parts->gate_pid;
	e->gate = (struct gate_client){.channel = {.fd = -1},
				       .link_changed = link_changed,
				       .able = ability_learn,
				       .flushed = restore_flushed,
				       .lost = engine_gate_lost,
				       .data = e};
	r = gate_client_init(&e->gate, e->base, steal_fd(&parts->gate_fd));
	for (size_t i = 0; i < parts->worker_count && r == 0; i++) {
		struct worker *w = &e->workers[i];

		*w = (struct worker){.engine = e, .pid = parts->worker_pids[i]};
		w->channel = (struct channel){
			.fd = -1, .received = guest_request, .lost = engine_worker_lost, .data = w};
		r = channel_init(&w->channel, e->base, steal_fd(&parts->worker_fds[i]));
		e->worker_count = i + 1;
	}
	return r;
}

static int engine_init(struct engine *e, struct engine_parts *parts)
{
	e->config = steal_ptr(&parts->config);
	memcpy(e->secret, parts->secret, sizeof(e->secret));
	e->started_ms = now_boot_ms();
	e->metrics.started_unix = e->certificates_told = now_unix();
	e->ends_by = RUN_PORTALD;
	e->queue_drops = parts->queue_drops;
	e->base = event_base_new();
	if (!e->base)
		return -ENOMEM;
	e->sessions = (struct sessions){.expired = member_expired, .data = e, .held = true};

	int r = sessions_init(&e->sessions, e->base);

	if (r == 0)
		r = init_signals(e);
	if (r == 0)
		r = netlink_init(&e->rtnl, NETLINK_ROUTE, 0);
	if (r == 0)
		r = lag_begin(&e->metrics.lag, e->base);
	if (r == 0)
		r = watchdog_begin(e->base, &e->watchdog);
	if (r == 0)
		r = forget_create(e);
	if (r == 0)
		r = persist_open(e);
	if (r == 0)
		r = accounting_create(e);
	if (r == 0)
		r = init_children(e, parts);
	if (r == 0)
		r = control_create(e, steal_fd(&parts->control_fd), &e->control);
	if (r == 0)
		r = metrics_server_create(e, steal_fd(&parts->metrics_fd), &e->metrics_server);
	return r;
}

static void engine_finish(struct engine *e)
{
	metrics_server_destroy(e->metrics_server);
	accounting_destroy(e);
	persist_close(e); /* those who wait for it hear of it: they must be there still */
	control_destroy(e->control);
	for (size_t i = 0; i < e->worker_count; i++)
		channel_finish(&e->workers[i].channel);
	gate_client_finish(&e->gate);
	engine_wait_for_children(e);
	forget_destroy(e);
	sessions_finish(&e->sessions);
	for (size_t i = 0; i < STORE_LISTS; i++)
		maclist_finish(&e->lists[i]);
	netlink_finish(&e->rtnl);
	if (e->queue_drops)
		fclose(e->queue_drops);
	lag_end(&e->metrics.lag);
	watchdog_end(&e->watchdog);
	for (size_t i = 0; i < 3; i++) {
		if (e->signals[i])
			event_free(e->signals[i]);
	}
	if (e->base)
		event_base_free(e->base);
	config_destroy(e->config);
}

static void begin_run(struct engine *e)
{
	int r = runs_begin(e->config->state_dir, &e->runs);

	if (r < 0)
		log_warning("%s/runs: %s; the next start does not know how this run ended",
			    e->config->state_dir, strerror(-r));
}

int engine_run(struct engine_parts *parts)
{
	static struct engine engine;
	int r = engine_init(&engine, parts);

	if (r < 0) {
		log_error("start: %s", strerror(-r));
		return 1;
	}
	begin_run(&engine);
	engine_start(&engine);
	event_base_dispatch(engine.base);
	runs_end(engine.config->state_dir, &engine.runs,
		 engine.status == 0 ? RUN_STOP : engine.ends_by);
	engine_finish(&engine);
	return engine.status;
}
