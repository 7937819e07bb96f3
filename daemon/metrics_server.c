/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmicrohttpd parses the requests, as for guests, without a thread of its own: its epoll descriptor
 * and its timeout are events of the engine's loop.  A text is made in one go from what is in memory,
 * and sent as fast as the other side reads; one request a connection, and no body is read.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/cleanup.h"
#include "daemon/engine.h"
#include "daemon/metrics_server.h"

/* A place for a connection. */
struct scraper {
	int fd; /* libmicrohttpd's; -1: free */
	struct event *deadline;
};

struct metrics_server {
	const struct engine *engine;
	struct MHD_Daemon *daemon;
	struct event *readable, *timer;
	struct scraper scrapers[METRICS_CONNECTIONS_MAX];
};

int metrics_listen(const struct addr *addr, int *ret_fd)
{
	const bool v6 = addr->family == 6;
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
	CLEANUP(cleanup_close)
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	memcpy(&in6.sin6_addr, addr->b, sizeof(in6.sin6_addr));
	memcpy(&in.sin_addr, addr->b, sizeof(in.sin_addr));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    (v6 ? bind(fd, (struct sockaddr *)&in6, sizeof(in6))
		: bind(fd, (struct sockaddr *)&in, sizeof(in))) < 0 ||
	    listen(fd, METRICS_BACKLOG) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* When libmicrohttpd wants to run next. */
static void schedule(struct metrics_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES) {
		const struct timeval wait = {.tv_sec = (time_t)(ms / 1000),
					     .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

		event_add(s->timer, &wait);
	} else {
		event_del(s->timer);
	}
}

static void run(evutil_socket_t fd, short what, void *data)
{
	struct metrics_server *s = data;

	(void)fd;
	(void)what;
	MHD_run(s->daemon);
	schedule(s);
}

/* libmicrohttpd sees the end of the connection and closes it. */
static void on_deadline(evutil_socket_t fd, short what, void *data)
{
	const struct scraper *scraper = data;

	(void)fd;
	(void)what;
	shutdown(scraper->fd, SHUT_RDWR);
}

/* A place that no connection has, or NULL. */
static struct scraper *find_free(struct metrics_server *s)
{
	for (size_t i = 0; i < METRICS_CONNECTIONS_MAX; i++) {
		if (s->scrapers[i].fd < 0)
			return &s->scrapers[i];
	}
	return NULL;
}

static enum MHD_Result on_accept(void *data, const struct sockaddr *sa, socklen_t len)
{
	(void)sa;
	(void)len;
	return find_free(data) ? MHD_YES : MHD_NO;
}

/* libmicrohttpd tells of the start of what on_accept() let in before it accepts another. */
static void on_connection(void *data, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	const struct timeval lifetime = {.tv_sec = METRICS_LIFETIME};
	struct scraper *scraper = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		scraper = find_free(data);
		*context = scraper;
		if (!scraper)
			return;
		scraper->fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		event_add(scraper->deadline, &lifetime);
	} else if (scraper) {
		event_del(scraper->deadline);
		scraper->fd = -1;
	}
}

/* Takes text over. */
static enum MHD_Result respond(struct MHD_Connection *mhd, unsigned int status, char *text,
			       const char *header, const char *value)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);

	if (!response) {
		free(text);
		return MHD_NO;
	}
	enum MHD_Result result = MHD_add_response_header(response, header, value);

	if (result == MHD_YES)
		result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (result == MHD_YES)
		result = MHD_queue_response(mhd, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Called when the header is there; answers at once, so that libmicrohttpd reads no body. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *body,
				  size_t *len, void **context)
{
	static const char type[] = "text/plain; version=0.0.4; charset=utf-8";
	const struct metrics_server *s = data;
	const bool get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
	const bool found = strcmp(url, "/metrics") == 0;
	char *text = found && get ? metrics_text(s->engine)
				  : strdup(found ? "only GET\n" : "only /metrics\n");

	(void)version;
	(void)body;
	(void)len;
	(void)context;
	if (!text)
		return MHD_NO;
	if (!found)
		return respond(mhd, MHD_HTTP_NOT_FOUND, text, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (!get)
		return respond(mhd, MHD_HTTP_METHOD_NOT_ALLOWED, text, MHD_HTTP_HEADER_ALLOW,
			       MHD_HTTP_METHOD_GET);
	return respond(mhd, MHD_HTTP_OK, text, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

static int make_places(struct metrics_server *s)
{
	for (size_t i = 0; i < METRICS_CONNECTIONS_MAX; i++) {
		struct scraper *scraper = &s->scrapers[i];

		scraper->fd = -1;
		scraper->deadline = event_new(s->engine->base, -1, 0, on_deadline, scraper);
		if (!scraper->deadline)
			return -ENOMEM;
	}
	return 0;
}

/* The library's own limit is never reached: it would stop listening, and go on when it is run again,
 * for which there is no event. */
static int start(struct metrics_server *s, int fd)
{
	struct event_base *base = s->engine->base;

	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, on_accept, s, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)METRICS_CONNECTIONS_MAX + 1,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)METRICS_MEMORY_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)METRICS_IDLE, MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		return -EIO;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	if (!info)
		return -EIO;
	s->readable = event_new(base, info->epoll_fd, EV_READ | EV_PERSIST, run, s);
	s->timer = event_new(base, -1, 0, run, s);
	return s->readable && s->timer && event_add(s->readable, NULL) == 0 ? 0 : -ENOMEM;
}

int metrics_server_create(struct engine *e, int fd, struct metrics_server **ret_server)
{
	struct metrics_server *s = fd >= 0 ? calloc(1, sizeof(*s)) : NULL;

	if (fd < 0)
		return 0;
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->engine = e;
	int r = make_places(s);

	if (r < 0)
		close(fd);
	else
		r = start(s, fd);

	if (r < 0)
		metrics_server_destroy(s);
	else
		*ret_server = s;
	return r;
}

void metrics_server_destroy(struct metrics_server *s)
{
	if (!s)
		return;
	if (s->readable)
		event_free(s->readable);
	if (s->timer)
		event_free(s->timer);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	for (size_t i = 0; i < METRICS_CONNECTIONS_MAX; i++) {
		if (s->scrapers[i].deadline)
			event_free(s->scrapers[i].deadline);
	}
	free(s);
}
