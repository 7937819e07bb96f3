/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon for each listening socket, without threads: its epoll descriptor and its timeout are
 * events of our loop. A request is suspended while the engine is asked.  libmicrohttpd answers 400,
 * 414, 431 and 505 by itself; it adds no header to answers of ours (but Connection: Keep-Alive for
 * HTTP/1.0 clients that ask for it).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <microhttpd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "portal/count.h"
#include "portal/http.h"
#include "portal/http_send.h"
#include "portal/limit.h"
#include "portal/peer.h"
#include "portal/request.h"
#include "portal/tls.h"

struct listener {
	struct http *http;
	size_t zone;
	enum listener_kind kind;
	struct MHD_Daemon *daemon;
	struct event *readable, *timer;
	struct addr local; /* the last of ours that a guest reached and that can stand in a link */
	bool warned;	   /* that there is none */
	struct peers peers;
};

struct http {
	struct event_base *base;
	struct engine *engine;
	struct site *site;
	struct event *tick;
	unsigned int ticks;
	size_t listener_count;
	struct listener *listeners;
};

/* Sets the timer to when libmicrohttpd wants to run next. */
static void schedule(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(l->daemon, &ms) == MHD_YES) {
		const struct timeval tv = {.tv_sec = (time_t)(ms / 1000),
					   .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

		event_add(l->timer, &tv);
	} else {
		event_del(l->timer);
	}
}

static void run(evutil_socket_t fd, short what, void *ctx)
{
	struct listener *l = ctx;

	(void)fd;
	(void)what;
	tls_serve(l->zone);
	MHD_run(l->daemon);
	schedule(l);
}

/* NULL if it could not be made when the connection was accepted */
static const struct peer *peer_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* A link cannot lead to a link-local address, for browsers know no scope: the last other one that a
 * guest of the zone reached stands in, if any. */
static struct addr usable_address(struct listener *l, const struct addr *local)
{
	const struct zone_site *zone = &l->http->site->zones[l->zone];
	struct listener *all = &l->http->listeners[l->zone * LISTENERS];

	if (!addr_is_link_local(local)) {
		for (size_t i = 0; i < LISTENERS; i++)
			all[i].local = *local;
	} else if (!l->local.family && !zone->stranger.hostname && !l->warned) {
		l->warned = true;
		log_warning(
			"zone %s: the gateway has a link-local address only, no link can lead there; "
			"set hostname",
			zone->name);
	}
	return l->local.family ? l->local : *local;
}

static enum MHD_Result on_accept(void *ctx, const struct sockaddr *sa, socklen_t len)
{
	struct listener *l = ctx;

	(void)len;
	return peers_admit(&l->peers, sa) ? MHD_YES : MHD_NO;
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

		*socket_context =
			peers_open(&l->peers, fd,
				   MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
					   ->client_addr);
		if (l->kind == LISTENER_TLS)
			tls_begin(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
					  ->tls_session,
				  fd, *socket_context);
	} else if (*socket_context) {
		peers_close(&l->peers, *socket_context);
		*socket_context = NULL;
	}
}

/* Once a second */
static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct http *http = ctx;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < http->listener_count; i++)
		peers_cut(&http->listeners[i].peers);
	tls_tick();
	if (++http->ticks % LIMIT_LOG_INTERVAL == 0)
		limit_log();
}

/* The engine answered, or did not in time. */
static void on_resume(struct request *req)
{
	struct listener *l = req->listener;

	MHD_resume_connection(req->connection);
	/* nothing else tells libmicrohttpd to look at it */
	event_active(l->readable, EV_READ, 0);
}

/* Called with the raw target before anything else; what it returns is the request's context. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *mhd)
{
	struct listener *l = ctx;

	struct request *req = request_create(target, l->http->engine, on_resume);

	if (req) {
		req->listener = l;
		req->connection = mhd;
	}
	return req;
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **request_context,
			 enum MHD_RequestTerminationCode code)
{
	(void)ctx;
	(void)mhd;
	(void)code;
	request_destroy(*request_context);
	*request_context = NULL;
}

static const char *header(struct MHD_Connection *mhd, const char *name)
{
	return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

static bool begin(struct listener *l, struct MHD_Connection *mhd, struct request *req,
		  const char *method)
{
	const struct peer *peer = peer_of(mhd);

	if (!peer)
		return false;
	req->guest = peer->guest;
	req->exchange = (struct exchange){
		.site = site_ref(l->http->site),
		.zone = l->zone,
		.diverted = l->kind == LISTENER_DIVERT,
		.secure = l->kind == LISTENER_TLS,
		.local = usable_address(l, &peer->local),
		.method = method,
		.host = header(mhd, MHD_HTTP_HEADER_HOST),
		.content_type = header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE),
		.accept = header(mhd, MHD_HTTP_HEADER_ACCEPT),
		.close = peer_is_old(peer),
		.now = time(NULL),
	};
	return true;
}

static enum MHD_Result answer(struct MHD_Connection *mhd, struct request *req)
{
	if (req->progress == REQUEST_READING)
		request_run(req);
	switch (req->progress) {
	case REQUEST_WAITING:
		MHD_suspend_connection(mhd);
		return MHD_YES;
	case REQUEST_READY:
		if (req->exchange.diverted)
			count_status(req->exchange.zone, req->exchange.response.status);
		return http_send(mhd, &req->exchange.response);
	case REQUEST_READING:
	case REQUEST_FAILED:
		break;
	}
	return MHD_NO;
}

/* Called when the header is there, for each piece of the body, when all is there, and after a
 * resume. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *len, void **request_context)
{
	struct request *req = *request_context;
	const size_t n = *len;

	(void)url;
	(void)version;
	*len = 0;
	if (!req)
		return MHD_NO;
	if (!req->exchange.site) {
		if (!begin(ctx, mhd, req, method))
			return MHD_NO;
		if (!request_is_early(req, header(mhd, MHD_HTTP_HEADER_EXPECT),
				      header(mhd, MHD_HTTP_HEADER_CONTENT_LENGTH)))
			return MHD_YES;
	}
	if (n > 0)
		return request_add(req, data, n) == 0 ? MHD_YES : MHD_NO;
	return answer(mhd, req);
}

static size_t keep_escapes(void *ctx, struct MHD_Connection *mhd, char *text)
{
	(void)ctx;
	(void)mhd;
	return strlen(text);
}

static void on_library_log(void *ctx, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static void on_library_log(void *ctx, const char *fmt, va_list args)
{
	char line[256];

	(void)ctx;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", line);
}

static int start(struct listener *l, int fd)
{
	const bool tls = l->kind == LISTENER_TLS;
	const unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
				   MHD_USE_SUPPRESS_DATE_NO_CLOCK | MHD_USE_ERROR_LOG |
				   (tls ? (unsigned int)MHD_USE_TLS : 0);
	const struct MHD_OptionItem options[] = {
		/* the first two are for TLS */
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)tls_callback()},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, PEERS_MAX + 1, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_MEMORY_MAX, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_TIMEOUT, NULL},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, l},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, l},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, l},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	peers_init(&l->peers);
	l->daemon = MHD_start_daemon(flags, 0, on_accept, l, on_request, l,
				     MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
				     MHD_OPTION_ARRAY, options + (tls ? 0 : 2), MHD_OPTION_END);
	if (!l->daemon)
		return -EIO;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	if (!info)
		return -EIO;
	l->readable = event_new(l->http->base, info->epoll_fd, EV_READ | EV_PERSIST, run, l);
	l->timer = event_new(l->http->base, -1, 0, run, l);
	if (!l->readable || !l->timer || event_add(l->readable, NULL) < 0)
		return -ENOMEM;
	schedule(l);
	return 0;
}

static void cleanup_http(struct http **http)
{
	http_destroy(*http);
}

int http_create(struct event_base *base, struct engine *engine, struct site *site, const int *fds,
		struct http **ret_http)
{
	CLEANUP(cleanup_http) struct http *http = calloc(1, sizeof(*http));
	const struct timeval second = {.tv_sec = 1};

	if (!http)
		return -ENOMEM;
	http->base = base;
	http->engine = engine;
	http->site = site_ref(site);
	if (tls_set_site(site) < 0)
		return -EINVAL;
	http->listeners = calloc(site->zone_count * LISTENERS, sizeof(*http->listeners));
	http->tick = event_new(base, -1, EV_PERSIST, on_tick, http);
	if (!http->listeners || !http->tick || event_add(http->tick, &second) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < site->zone_count * LISTENERS; i++) {
		struct listener *l = &http->listeners[i];

		*l = (struct listener){.http = http, .zone = i / LISTENERS, .kind = i % LISTENERS};
		http->listener_count++;
		int r = start(l, fds[i]);

		if (r < 0)
			return r;
	}
	*ret_http = steal_ptr(&http);
	return 0;
}

int http_set_site(struct http *http, struct site *site)
{
	struct site *old = http->site;
	int r = tls_set_site(site);

	if (r < 0)
		return r;
	http->site = site_ref(site);
	site_unref(old);
	return 0;
}

/* libmicrohttpd wants no connection suspended when it stops. */
static void resume_all(struct http *http)
{
	struct question *question;

	while ((question = TAILQ_FIRST(&http->engine->questions))) {
		engine_forget(http->engine, question);
		question->done(question, NULL);
	}
}

void http_destroy(struct http *http)
{
	if (!http)
		return;
	resume_all(http);
	for (size_t i = 0; i < http->listener_count; i++) {
		struct listener *l = &http->listeners[i];

		if (l->readable)
			event_free(l->readable);
		if (l->timer)
			event_free(l->timer);
		if (l->daemon)
			MHD_stop_daemon(l->daemon);
	}
	if (http->tick)
		event_free(http->tick);
	tls_finish();
	free(http->listeners);
	site_unref(http->site);
	free(http);
}
