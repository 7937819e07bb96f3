/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portald-gate: the only process of portald that changes the kernel.
 *
 * Power: CAP_NET_ADMIN and nothing else, under its own uid.  It reads portal.nft and opens its
 * sockets, then seals itself with seccomp (no open, no socket, no exec), and does what the verbs of
 * nft/verbs.c say.  It parses no byte from a guest. The kernel checks who sends a netlink message,
 * so every transaction is sent from here. End of file on the engine's socket or a malformed message
 * ends it; the tables stay.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/capability.h>
#include <seccomp.h>

#include "common/cleanup.h"
#include "common/descriptors.h"
#include "common/link.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/sandbox.h"
#include "nft/egress.h"
#include "nft/gate.h"
#include "nft/load.h"

/* What libmnl and libnftables do with sockets that are open already. */
static const struct sandbox_rule gate_calls[] = {
	{.syscall = SCMP_SYS(bind)},	   /* packet sockets, to an interface that came back */
	{.syscall = SCMP_SYS(membarrier)}, /* see nft/load.c */
	{.syscall = SCMP_SYS(getsockname)}, {.syscall = SCMP_SYS(getsockopt)},
	{.syscall = SCMP_SYS(pselect6)},    {.syscall = SCMP_SYS(recvfrom)},
	{.syscall = SCMP_SYS(select)},	    {.syscall = SCMP_SYS(sendto)},
	{.syscall = SCMP_SYS(sendmsg)},	    {.syscall = SCMP_SYS(setsockopt)},
};

static int fail(const char *what, int error)
{
	log_error("%s: %s", what, strerror(-error));
	return 1;
}

static int find_egress(struct gate *gate)
{
	int r = egress_probe(&gate->nl);

	gate->egress = gate->sets.egress = gate->flushes.egress = r == 0;
	return r == -EOPNOTSUPP ? 0 : r;
}

static int open_all(struct gate *gate)
{
	char path[PATH_MAX];
	int r = find_data("portal.nft", path);

	if (r == 0)
		r = ruleset_init(&gate->ruleset, path);
	if (r < 0) {
		log_error("portal.nft: %s; is portald installed whole?", strerror(-r));
		return r;
	}
	if (gate->print)
		return 0;
	r = netlink_init(&gate->nl, NETLINK_NETFILTER, 0);
	if (r == 0)
		r = netlink_init(&gate->links, NETLINK_ROUTE, 0);
	if (r == 0)
		r = link_watch_init(&gate->watch);
	if (r == 0)
		r = tables_init(&gate->tables, &gate->nl);
	if (r == 0)
		r = sets_init(&gate->sets, &gate->nl);
	if (r == 0)
		r = watch_init(&gate->flushes, &gate->nl);
	if (r == 0)
		r = forget_init(&gate->forgetting, &gate->nl);
	if (r == 0)
		r = find_egress(gate);
	if (r == 0)
		r = guard_init(&gate->guard, &gate->nl);
	if (r == -EPERM)
		log_error("the table portald_guard belongs to a portald that runs; stop it first");
	if (r == 0)
		r = queues_prepare(&gate->queues, gate->workers);
	if (r == 0 && gate->answers.there)
		r = answers_prepare(&gate->answers);
	if (r < 0)
		log_error("netlink: %s; does this kernel have nf_tables?", strerror(-r));
	return r;
}

static void close_all(struct gate *gate)
{
	answers_finish(&gate->answers);
	gate_close_garden(gate);
	queues_finish(&gate->queues);
	guard_finish(&gate->guard);
	forget_finish(&gate->forgetting);
	watch_finish(&gate->flushes);
	sets_finish(&gate->sets);
	tables_finish(&gate->tables);
	netlink_finish(&gate->watch);
	netlink_finish(&gate->links);
	netlink_finish(&gate->nl);
	ruleset_finish(&gate->ruleset);
}

static int give_power_away(const char *user)
{
	struct account account;
	int r = sandbox_find_account(user, &account);

	if (r < 0)
		return fail(user, r);
	r = sandbox_become(&account, CAP_NET_ADMIN);
	if (r < 0)
		return fail("giving privileges away", r);
	r = sandbox_seal(gate_calls, sizeof(gate_calls) / sizeof(gate_calls[0]));
	return r < 0 ? fail("seccomp", r) : 0;
}

static int take_verb(struct gate *gate)
{
	static union msg msg;
	int r = msg_recv(gate->engine, &msg, NULL);

	return r < 0 ? r : gate_dispatch(gate, &msg);
}

static int take_links(struct gate *gate)
{
	int r = link_watch_drain(&gate->watch, gate_link_gone, gate);

	return r < 0 ? r : gate_follow_links(gate);
}

enum { POLL_ENGINE, POLL_LINKS, POLL_FLUSHES, POLL_ANSWERS, POLL_CONNTRACK, POLL_WORKERS };

/* Works off what poll() found; first whether somebody flushed the ruleset. */
static int serve_once(struct gate *gate, const struct pollfd *fds)
{
	int r = fds[POLL_FLUSHES].revents ? gate_check_tables(gate) : 0;

	for (uint16_t i = 0; i < gate->queues.count && r >= 0; i++) {
		if (fds[POLL_WORKERS + i].revents)
			r = queues_take(&gate->queues, i);
	}
	if (r >= 0 && fds[POLL_ANSWERS].revents)
		r = gate_take_answer(gate);
	if (r >= 0 && fds[POLL_LINKS].revents)
		r = take_links(gate);
	if (r >= 0 && fds[POLL_CONNTRACK].revents)
		r = forget_go_on(&gate->forgetting);
	if (r >= 0 && fds[POLL_ENGINE].revents)
		r = take_verb(gate);
	return r;
}

static int serve(struct gate *gate)
{
	struct pollfd fds[POLL_WORKERS + WORKERS_MAX] = {
		[POLL_ENGINE] = {.fd = gate->engine, .events = POLLIN},
		[POLL_LINKS] = {.fd = -1, .events = POLLIN},
		[POLL_FLUSHES] = {.fd = -1, .events = POLLIN},
		[POLL_CONNTRACK] = {.fd = -1, .events = POLLIN},
		[POLL_ANSWERS] = {.fd = gate->answers.there ? FD_ANSWERS : -1, .events = POLLIN},
	};

	if (!gate->print) {
		fds[POLL_LINKS].fd = mnl_socket_get_fd(gate->watch.socket);
		fds[POLL_FLUSHES].fd = mnl_socket_get_fd(gate->flushes.events.socket);
		fds[POLL_CONNTRACK].fd = mnl_socket_get_fd(gate->forgetting.dumps.socket);
	}

	for (uint16_t i = 0; i < gate->queues.count; i++)
		fds[POLL_WORKERS + i] = (struct pollfd){.fd = FD_CHANNELS + i, .events = POLLIN};
	for (;;) {
		int n = poll(fds, POLL_WORKERS + gate->queues.count, -1);
		int r = n < 0 && errno != EINTR ? -errno : n > 0 ? serve_once(gate, fds) : 0;

		if (r == -EPIPE) /* the engine or a worker is gone; the tables stay */
			return 0;
		if (r < 0)
			return fail("message", r);
	}
}

static int teardown(void)
{
	CLEANUP(netlink_finish) struct netlink nl = {0};
	CLEANUP(tables_finish) struct tables tables = {0};
	char error[ERROR_TEXT_MAX] = "";
	int r = netlink_init(&nl, NETLINK_NETFILTER, 0);

	if (r == 0)
		r = tables_init(&tables, &nl);
	if (r < 0)
		return fail("netlink", r);
	r = guard_remove(&nl);
	if (r == -EPERM) {
		log_error("portald is running; stop it first");
		return 1;
	}
	if (r < 0)
		return fail("removing the table portald_guard", r);
	if (tables_remove(&tables, error) < 0) {
		log_error("cannot remove the tables: %s", error);
		return 1;
	}
	return 0;
}

/* For `portald -n`. */
static int probe(int engine)
{
	CLEANUP(netlink_finish) struct netlink nl = {0};
	struct gate_ability ability = {.head = {MSG_GATE_ABILITY, 0}};
	int r = netlink_init(&nl, NETLINK_NETFILTER, 0);

	ability.egress = r < 0 ? r : egress_probe(&nl);
	return msg_send(engine, &ability.head, -1) < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct gate gate = {.engine = FD_ENGINE,
				   .forgetting = {.done = gate_forgot, .data = &gate}};

	log_init("portald-gate");
	signal(SIGHUP, SIG_IGN); /* a reload is the engine's business */
	if (argc == 2 && strcmp(argv[1], "--teardown") == 0)
		return teardown();
	if (argc == 2 && strcmp(argv[1], "--probe") == 0)
		return probe(gate.engine);
	gate.print = argc == 2 && strcmp(argv[1], "--print") == 0;
	gate.answers.there = argc == 3;
	gate.workers = argc == 3 ? (uint16_t)atoi(argv[2]) : 0;
	if (argc < 2 || argc > 3 || (argv[1][0] == '-' && !gate.print) ||
	    gate.workers > WORKERS_MAX) {
		fputs("portald-gate is started by portald: see portald(8)\n", stderr);
		return 2;
	}
	if (open_all(&gate) < 0 || (!gate.print && give_power_away(argv[1]) != 0))
		return 1;
	int status = serve(&gate);

	close_all(&gate);
	return status;
}
