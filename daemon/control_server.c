/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/control_event.h"
#include "daemon/control_server.h"

enum {
	WATCH_BACKLOG_MAX =
		4 * 1024 * 1024, /* bytes that a watcher may leave unread before it is cut off */
	PEER_GROUPS_MAX = 1024,
};

struct control {
	struct engine *engine;
	int fd;
	struct event *accepting;
	struct client *clients;
	size_t count;
};

static void client_free(struct client *c)
{
	struct client **at = &c->control->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->count--;
	if (c->io)
		bufferevent_free(c->io);
	control_request_finish(&c->request);
	free(c);
}

/* The other side is gone; work that is under way ends first. */
static void client_gone(struct client *c)
{
	bufferevent_free(c->io);
	c->io = NULL;
	c->watching = false;
	if (!c->busy)
		client_free(c);
	else if (c->drained)
		c->drained(c);
}

void client_send(struct client *c, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (c->io && text) {
		bufferevent_write(c->io, text, strlen(text));
		bufferevent_write(c->io, "\n", 1);
	}
	free(text);
}

void client_error(struct client *c, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	client_send(c, json_pack("{s:s}", "error", text));
}

bool client_has_output(const struct client *c)
{
	return c->io && evbuffer_get_length(bufferevent_get_output(c->io)) > 0;
}

static void on_written(struct bufferevent *io, void *data)
{
	struct client *c = data;

	if (c->drained)
		c->drained(c);
	else if (!c->busy && !(bufferevent_get_enabled(io) & EV_READ))
		client_free(c); /* it was told why it is cut off */
}

/* Lets the last words out, then closes. */
static void client_close(struct client *c)
{
	bufferevent_disable(c->io, EV_READ);
	if (!client_has_output(c))
		client_free(c);
}

/* Runs the first whole line; true: there may be another. */
static bool take_line(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->io);
	char why[ERROR_TEXT_MAX];
	size_t len;
	CLEANUP(cleanup_free) char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);

	if (!line) {
		if (evbuffer_get_length(in) >= CONTROL_LINE_MAX) {
			client_error(c, "a request has at most %d bytes", CONTROL_LINE_MAX);
			client_close(c);
		}
		return false;
	}
	control_request_finish(&c->request);
	int r = control_parse(line, len, &c->request, why);

	if (r < 0) {
		client_error(c, "%s", why);
		if (r == -EBADMSG)
			client_close(c);
		return r != -EBADMSG;
	}
	c->busy = true;
	control_run(c);
	return false;
}

/* What it asks stays where it is. */
static void tell_to_wait(struct client *c)
{
	char text[ERROR_TEXT_MAX];

	if (c->told)
		return;
	c->told = true;
	engine_tell_start(c->engine, text);
	client_send(c, json_pack("{s:s}", "starting", text));
}

static void on_readable(struct bufferevent *io, void *data)
{
	struct client *c = data;

	(void)io;
	if (!c->engine->ready) {
		tell_to_wait(c);
		return;
	}
	while (!c->busy && !c->watching && take_line(c))
		;
}

/* The next line may be there already. */
static void look_for_line(struct client *c)
{
	if (evbuffer_get_length(bufferevent_get_input(c->io)) > 0)
		bufferevent_trigger(c->io, EV_READ,
				    BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}

void client_done(struct client *c)
{
	c->busy = false;
	c->drained = NULL;
	if (c->io)
		look_for_line(c);
	else
		client_free(c);
}

static void on_event(struct bufferevent *io, short what, void *data)
{
	(void)io;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		client_gone(data);
}

/* Root, ourselves, and the group that the engine runs with.  Takes the user's id in any case. */
static bool may_connect(int fd, int64_t *ret_uid)
{
	gid_t groups[PEER_GROUPS_MAX];
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*ret_uid = peer.uid;
	if (peer.uid == 0 || peer.uid == getuid() || peer.gid == getgid())
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == getgid())
			return true;
	}
	return false;
}

static void client_open(struct control *control, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->control = control;
	c->engine = control->engine;
	c->io = bufferevent_socket_new(c->engine->base, fd,
				       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!c->io) {
		close(fd);
		free(c);
		return;
	}
	c->next = control->clients;
	control->clients = c;
	control->count++;
	bufferevent_setcb(c->io, on_readable, on_written, on_event, c);
	bufferevent_setwatermark(c->io, EV_READ, 0, CONTROL_LINE_MAX);
	bufferevent_enable(c->io, EV_READ | EV_WRITE);
	if (!may_connect(fd, &c->uid)) {
		client_error(c, "only root and the group portald may do this");
		client_close(c);
	} else if (control->count > CONTROL_CLIENTS_MAX) {
		client_error(c, "%d connections are open already", CONTROL_CLIENTS_MAX);
		client_close(c);
	}
}

static void on_connection(evutil_socket_t fd, short what, void *data)
{
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (conn >= 0)
		client_open(data, conn);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		log_warning("control socket: %s", strerror(errno));
}

int control_create(struct engine *e, int fd, struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		close(fd);
		return -ENOMEM;
	}
	control->engine = e;
	control->fd = fd;
	control->accepting = event_new(e->base, fd, EV_READ | EV_PERSIST, on_connection, control);
	*ret_control = control;
	return control->accepting ? 0 : -ENOMEM;
}

void control_start(struct control *control)
{
	event_add(control->accepting, NULL);
}

void control_ready(struct control *control)
{
	for (struct client *c = control->clients; c; c = c->next)
		look_for_line(c);
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	for (struct client *c = control->clients, *next; c; c = next) {
		next = c->next;
		client_free(c);
	}
	if (control->accepting)
		event_free(control->accepting);
	close(control->fd);
	free(control);
}

static void tell_watcher(struct client *c, json_t *event)
{
	if (evbuffer_get_length(bufferevent_get_output(c->io)) > WATCH_BACKLOG_MAX) {
		log_warning("portalctl watch reads too slowly: cut off");
		client_gone(c);
		return;
	}
	client_send(c, json_incref(event));
}

static bool is_watched(const struct control *control)
{
	const struct client *c = control->clients;

	while (c && !c->watching)
		c = c->next;
	return c != NULL;
}

void control_event(struct engine *e, const char *event, const struct session *s, uint64_t seconds)
{
	char mac[MAC_TEXT_MAX];
	struct timeval now;
	const char *zone = e->config->zones[s->key.zone].name;

	if (!is_watched(e->control))
		return;
	evutil_gettimeofday(&now, NULL);
	json_t *j = json_pack("{s:s, s:f, s:s, s:s, s:s}", "event", event, "time",
			      (double)now.tv_sec + (double)now.tv_usec / 1e6, "zone", zone, "mac",
			      mac_format(&s->key.mac, mac), "note", s->note);

	if (j && seconds)
		json_object_set_new(j, "seconds", json_integer((json_int_t)seconds));
	for (struct client *c = e->control->clients, *next; c && j; c = next) {
		next = c->next;
		if (c->watching)
			tell_watcher(c, j);
	}
	json_decref(j);
}
