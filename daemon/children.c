/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The children of portald: each is fork and exec, finds its descriptors at the numbers of
 * common/proto.h, and drops its power itself. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptors.h"
#include "common/log.h"
#include "common/msg.h"
#include "common/paths.h"
#include "daemon/pages.h"
#include "daemon/queue_parts.h"
#include "daemon/start.h"

enum {
	LISTEN_BACKLOG = 1024, /* the kernel takes the smaller of this and net.core.somaxconn */
	CHILD_FDS_MAX = FD_LISTEN + LISTENERS * ZONES_MAX + WORKERS_MAX + PACKET_SOCKETS_MAX + 1,
	FD_SPARE = 1024, /* no child has a descriptor at or above this */
};

/* Puts fds[i] at number FD_ENGINE + i, open over exec. */
static int place_fds(const int *fds, size_t count)
{
	int moved[CHILD_FDS_MAX];

	/* first out of the way of each other */
	for (size_t i = 0; i < count; i++) {
		moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_SPARE);
		if (moved[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < count; i++) {
		if (dup2(moved[i], FD_ENGINE + (int)i) < 0)
			return -errno;
	}
	return 0;
}

/* What a child gets, in the order of numbers from FD_ENGINE on; fds[0] is its end of the socket pair to the engine. */
struct child_fds {
	size_t count;
	int fds[CHILD_FDS_MAX];
};

static void close_child_fds(struct child_fds *c)
{
	for (size_t i = 0; i < c->count; i++)
		cleanup_close(&c->fds[i]);
	c->count = 0;
}

static int spawn(const char *name, const char *argument, const char *second,
		 const struct child_fds *c, pid_t *ret_pid)
{
	char path[PATH_MAX];
	int r = find_program(name, path);

	if (r < 0) {
		log_error("%s: %s; is portald installed whole?", path, strerror(-r));
		return r;
	}
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0) {
		*ret_pid = pid;
		return 0;
	}
	r = place_fds(c->fds, c->count);
	if (r == 0) {
		execl(path, name, argument, second, (char *)NULL);
		r = -errno;
	}
	log_error("%s: %s", path, strerror(-r));
	_exit(1);
}

/* Adds a copy. */
static int add_fd(struct child_fds *c, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return -errno;
	c->fds[c->count++] = copy;
	return 0;
}

static int add_engine_fd(struct child_fds *c, int *ret_ours)
{
	int pair[2];
	int r = msg_socketpair(pair);

	if (r < 0)
		return r;
	*ret_ours = pair[0];
	c->fds[c->count++] = pair[1];
	return 0;
}

int start_gate(const char *argument, const struct queue_parts *queues, int *ret_fd, pid_t *ret_pid)
{
	CLEANUP(close_child_fds) struct child_fds c = {0};
	CLEANUP(cleanup_close) int ours = -1;
	size_t workers = queues ? queues->workers : 0;
	char number[24] = "";
	int r = add_engine_fd(&c, &ours);

	if (queues && r == 0)
		r = add_fd(&c, queues->gate_answers);
	for (size_t i = 0; i < workers && r == 0; i++)
		r = add_fd(&c, queues->gate_ends[i]);
	for (size_t i = 0; i < workers * (queues ? queues->zones : 0) && r == 0; i++)
		r = add_fd(&c, queues->packet[i]);
	if (queues)
		snprintf(number, sizeof(number), "%zu", workers);
	if (r == 0)
		r = spawn("portald-gate", argument, queues ? number : NULL, &c, ret_pid);
	if (r == 0)
		*ret_fd = steal_fd(&ours);
	return r;
}

/* What a child writes until it ends; its exit status, or negative errno. */
static int listen_to(pid_t pid, int fd, char *ret_text, size_t size)
{
	size_t len = 0;
	int status;
	ssize_t n;

	while ((n = read(fd, ret_text + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR))
		len += n > 0 ? (size_t)n : 0;
	ret_text[len] = '\0';
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECANCELED;
}

int start_page_check(int bundle, char ret_why[static START_WHY_MAX])
{
	CLEANUP(close_child_fds) struct child_fds c = {0};
	CLEANUP(cleanup_close) int ours = -1;
	pid_t pid = -1;
	int r = add_engine_fd(&c, &ours);

	if (r == 0)
		r = add_fd(&c, bundle);
	if (r == 0)
		r = spawn("portald-web", "--check", NULL, &c, &pid);
	close_child_fds(&c); /* then the socket's end is the child's end */
	if (r == 0)
		r = listen_to(pid, ours, ret_why, START_WHY_MAX);
	if (r > 0 && !*ret_why)
		r = -ECANCELED;
	if (r < 0)
		snprintf(ret_why, START_WHY_MAX, "portald-web cannot look at the pages: %s",
			 strerror(-r));
	return r > 0 ? -EINVAL : r;
}

/* On all addresses: a socket bound to an interface dies with it.  The ruleset lets only the zone's
 * interface reach it. */
static int listen_on(uint16_t port, int *ret_fd)
{
	static const int on = 1, off = 0;
	struct sockaddr_in6 addr6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in addr4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	CLEANUP(cleanup_close)
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool v6 = fd >= 0;

	if (!v6)
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	if (v6 ? bind(fd, (struct sockaddr *)&addr6, sizeof(addr6))
	       : bind(fd, (struct sockaddr *)&addr4, sizeof(addr4)))
		return -errno;
	if (listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int listen_for_zone(const struct zone_config *z, struct child_fds *w)
{
	const uint16_t ports[LISTENERS] = {
		[LISTENER_DIVERT] = z->divert_port,
		[LISTENER_PORTAL] = z->portal_port,
		[LISTENER_TLS] = z->tls_port,
	};

	for (size_t i = 0; i < LISTENERS; i++) {
		int r = listen_on(ports[i], &w->fds[w->count]);

		if (r < 0) {
			log_error("zone %s: port %u: %s", z->name, ports[i], strerror(-r));
			return r;
		}
		w->count++;
	}
	return 0;
}

/* Its socket pair to the gate and its packet sockets; the first one's for DNS answers. */
static int add_queue_fds(struct child_fds *w, const struct queue_parts *queues, size_t worker)
{
	int r = queues->workers ? add_fd(w, queues->web_ends[worker]) : 0;

	for (size_t i = 0; i < queues->zones && r == 0; i++)
		r = add_fd(w, queues->packet[i * queues->workers + worker]);
	return r == 0 && worker == 0 ? add_fd(w, queues->web_answers) : r;
}

static int start_worker(const struct config *config, const char *user, int bundle,
			const struct queue_parts *queues, size_t worker, struct engine_parts *parts)
{
	CLEANUP(close_child_fds) struct child_fds w = {0};
	CLEANUP(cleanup_close) int ours = -1;
	int r = add_engine_fd(&w, &ours);

	if (r == 0)
		r = add_fd(&w, bundle);
	for (size_t i = 0; i < config->zone_count && r == 0; i++)
		r = listen_for_zone(&config->zones[i], &w);
	if (r == 0)
		r = add_queue_fds(&w, queues, worker);
	if (r == 0)
		r = spawn("portald-web", user, worker == 0 ? "first" : NULL, &w,
			  &parts->worker_pids[worker]);
	if (r == 0)
		parts->worker_fds[worker] = steal_fd(&ours);
	return r;
}

int start_workers(const struct config *config, const struct accounts *accounts,
		  const struct queue_parts *queues, struct engine_parts *parts)
{
	CLEANUP(cleanup_close) int bundle = -1;
	int r = pages_bundle(config, parts->secret, stderr, &bundle);

	for (size_t i = 0; i < config->workers && r == 0; i++) {
		r = start_worker(config, accounts->web_name, bundle, queues, i, parts);
		if (r == 0)
			parts->worker_count = i + 1;
	}
	if (r < 0)
		log_error("start: %s", strerror(-r));
	return r;
}
