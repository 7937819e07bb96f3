/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <event2/event.h>

#include "common/log.h"
#include "portal/count.h"
#include "portal/engine.h"
#include "portal/limit.h"

static time_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void stop(struct engine *e, int error)
{
	e->error = error;
	event_base_loopbreak(e->base);
}

static void finish_question(struct engine *e, struct question *question,
			    const struct web_reply *reply)
{
	engine_forget(e, question);
	question->done(question, reply);
}

/* An answer that came too late has no question any more. */
static int take_reply(struct engine *e, const struct web_reply *reply)
{
	struct question *question;

	if (reply->state < GUEST_STRANGER || reply->state > GUEST_FAILED)
		return -EBADMSG;
	TAILQ_FOREACH (question, &e->questions, entry) {
		if (question->id == reply->head.id) {
			finish_question(e, question, reply);
			return 0;
		}
	}
	log_debug("the engine's answer %u came too late", (unsigned int)reply->head.id);
	return 0;
}

static int take_message(struct engine *e, int fd)
{
	switch (e->msg.head.type) {
	case MSG_WEB_REPLY:
		return take_reply(e, &e->msg.web_reply);
	case MSG_WEB_BUNDLE:
		return e->reload(e->ctx, fd);
	default:
		return -EBADMSG;
	}
}

static void on_readable(evutil_socket_t sock, short what, void *ctx)
{
	struct engine *e = ctx;
	int r, fd;

	(void)what;
	do {
		fd = -1;
		r = msg_recv(sock, &e->msg, &fd);
		if (r == 0)
			r = take_message(e, fd);
	} while (r == 0);
	if (r == -EPIPE)
		stop(e, 0);
	else if (r != -EAGAIN)
		stop(e, r);
}

static void on_timer(evutil_socket_t sock, short what, void *ctx)
{
	struct engine *e = ctx;
	const time_t now = monotonic();
	struct question *question;

	(void)sock;
	(void)what;
	count_send(e->fd);
	while ((question = TAILQ_FIRST(&e->questions)) && question->deadline <= now) {
		limit_reached(LIMIT_ENGINE_TIME);
		finish_question(e, question, NULL);
	}
}

int engine_init(struct engine *e, int fd, struct event_base *base, int (*reload)(void *ctx, int fd),
		void *ctx)
{
	const struct timeval second = {.tv_sec = 1};
	int flags = fcntl(fd, F_GETFL);

	*e = (struct engine){.fd = fd, .base = base, .reload = reload, .ctx = ctx};
	TAILQ_INIT(&e->questions);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	e->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, e);
	e->timer = event_new(base, -1, EV_PERSIST, on_timer, e);
	if (!e->readable || !e->timer || event_add(e->readable, NULL) < 0 ||
	    event_add(e->timer, &second) < 0)
		return -ENOMEM;
	return 0;
}

void engine_finish(struct engine *e)
{
	if (e->readable)
		event_free(e->readable);
	if (e->timer)
		event_free(e->timer);
	e->readable = e->timer = NULL;
}

int engine_ask(struct engine *e, struct question *question, uint32_t type, size_t zone,
	       const struct addr *guest)
{
	struct web_request request = {
		.head = {.type = type, .id = ++e->last_id},
		.zone = (uint32_t)zone,
		.guest = *guest,
	};

	if (e->count == ENGINE_QUESTIONS_MAX) {
		limit_reached(LIMIT_QUESTIONS);
		return -ENOSPC;
	}
	int r = msg_send(e->fd, &request.head, -1);

	if (r < 0) {
		limit_reached(LIMIT_QUESTIONS);
		return r;
	}
	question->asked = true;
	question->id = request.head.id;
	question->deadline = monotonic() + ENGINE_TIMEOUT;
	TAILQ_INSERT_TAIL(&e->questions, question, entry);
	e->count++;
	return 0;
}

void engine_forget(struct engine *e, struct question *question)
{
	if (!question->asked)
		return;
	TAILQ_REMOVE(&e->questions, question, entry);
	question->asked = false;
	e->count--;
}
