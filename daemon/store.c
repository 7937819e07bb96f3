/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store as the event loop sees it: what is to be written is queued; at the end of this turn of the
 * loop the thread is told, so that all that one turn brought shares a commit.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/store_private.h"

enum {
	HISTORY_DAYS = 400,
	FLUSH_MS = 10000,
	RETRY_MS = 5000,
	WAIT_MS = 5000,
	CLOSE_MS = 5000,
};

static struct timeval to_timeval(uint64_t ms)
{
	return (struct timeval){.tv_sec = (time_t)(ms / 1000),
				.tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

/* Tells what is new of the database's health. */
static void report(struct store *s, int error, const char *why)
{
	const struct store_config *c = &s->config;

	if (error == s->reported)
		return;
	s->reported = error;
	if (error)
		log_error(
			"store: %s: %s; the gateway goes on, and what it would write waits in memory",
			s->path, why);
	else
		log_warning("store: %s is written again; nothing is missing", s->path);
	if (c->health)
		c->health(c->data, error == 0, error ? why : "");
}

/* What those hear whose batch is not on the disk: 0: wait. */
static int outcome(struct store *s, uint64_t committed, int error)
{
	const struct store_waiter *w = s->first_waiter;

	if (!error && w && w->batch > committed && now_boot_ms() - w->since_ms >= s->config.wait_ms)
		s->slow_batch = w->batch;
	return error ? error : s->slow_batch > committed ? -ETIMEDOUT : 0;
}

/* Callbacks may queue more: they wait for the next time. */
static void answer_waiters(struct store *s, uint64_t committed, int error)
{
	for (size_t todo = s->waiter_count; todo > 0; todo--) {
		struct store_waiter *w = s->first_waiter;

		if (w->batch > committed && !error)
			return;
		s->first_waiter = w->next;
		s->waiter_count--;
		w->done(w->data, w->batch <= committed ? 0 : error);
		free(w);
	}
}

static void answer_queries(struct store_queries *answers)
{
	for (struct store_query *q = answers->first; q; q = q->next)
		q->fn(q->data, q->error, q->rows, q->count);
	store_queries_finish(answers);
}

/* When the oldest waiter has waited for long enough. */
static void watch_waiters(struct store *s)
{
	uint64_t now = now_boot_ms();

	if (!s->first_waiter) {
		evtimer_del(s->slow);
		return;
	}
	uint64_t until = s->first_waiter->since_ms + s->config.wait_ms;
	const struct timeval wait = to_timeval(until > now ? until - now : 1);

	evtimer_add(s->slow, &wait);
}

static void hand_over(struct store *s, bool out_of_memory, struct store_contents *contents)
{
	s->loaded(s->loaded_data, out_of_memory ? -ENOMEM : 0, contents);
	store_contents_finish(contents);
}

static void deliver(struct store *s)
{
	struct store_contents contents;
	struct store_queries answers;
	struct store_error why;
	uint64_t committed;
	bool resync, loaded, out_of_memory;
	int error;

	pthread_mutex_lock(&s->lock);
	committed = s->committed;
	error = s->error;
	why = s->why;
	resync = s->resync;
	s->resync = false;
	answers = s->answers;
	s->answers = (struct store_queries){0};
	contents = s->contents;
	s->contents = (struct store_contents){0};
	loaded = s->has_contents;
	s->has_contents = false;
	out_of_memory = s->out_of_memory;
	pthread_mutex_unlock(&s->lock);

	int result = outcome(s, committed, error);

	report(s, result, error ? why.text : "the disk does not answer");
	answer_waiters(s, committed, result);
	watch_waiters(s);
	if (resync && s->config.resync)
		s->config.resync(s->config.data);
	answer_queries(&answers);
	if (loaded)
		hand_over(s, out_of_memory, &contents);
}

static void on_wake(evutil_socket_t fd, short what, void *data)
{
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_warning("store: eventfd: %s", strerror(errno));
	deliver(data);
}

static void on_slow(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	deliver(data);
}

/* The end of a turn of the loop in which something was queued, or usage has waited long enough. */
static void on_kick(evutil_socket_t fd, short what, void *data)
{
	struct store *s = data;

	(void)fd;
	(void)what;
	evtimer_del(s->flush);
	pthread_mutex_lock(&s->lock);
	s->kicked = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	deliver(s); /* while it fails, nobody waits */
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

static int set_up(struct store *s, const struct store_config *config)
{
	pthread_condattr_t attr;

	s->config = *config;
	s->config.history_days = or_default(config->history_days, HISTORY_DAYS);
	s->config.audit_days = or_default(config->audit_days, HISTORY_DAYS);
	s->config.flush_ms = or_default(config->flush_ms, FLUSH_MS);
	s->config.retry_ms = or_default(config->retry_ms, RETRY_MS);
	s->config.wait_ms = or_default(config->wait_ms, WAIT_MS);
	s->path = strdup(config->path);
	s->batch = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &attr);
	pthread_cond_init(&s->attempted, &attr);
	pthread_condattr_destroy(&attr);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0)
		return -errno;
	s->wake = event_new(config->base, s->wake_fd, EV_READ | EV_PERSIST, on_wake, s);
	s->kick = event_new(config->base, -1, 0, on_kick, s);
	s->flush = evtimer_new(config->base, on_kick, s);
	s->slow = evtimer_new(config->base, on_slow, s);
	if (!s->path || !s->wake || !s->kick || !s->flush || !s->slow ||
	    event_add(s->wake, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static void destroy(struct store *s)
{
	struct event *events[] = {s->wake, s->kick, s->flush, s->slow};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i])
			event_free(events[i]);
	}
	store_db_close(s->db); /* of a store that has no thread yet */
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	pending_finish(&s->urgent);
	pending_finish(&s->queue);
	store_contents_finish(&s->contents);
	pthread_cond_destroy(&s->attempted);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

int store_open(const struct store_config *config, struct store **ret_store)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	int r = set_up(s, config);

	if (r < 0) {
		destroy(s);
		return r;
	}
	*ret_store = s;
	return 0;
}

/* Signals are the loop's. */
static int start_thread(struct store *s)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&s->thread, NULL, store_thread, s);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->has_thread = r == 0;
	return -r;
}

int store_load(struct store *s, store_loaded_fn *fn, void *data)
{
	s->loaded = fn;
	s->loaded_data = data;
	return start_thread(s);
}

static struct timespec deadline_after(uint64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	uint64_t ns = (uint64_t)ts.tv_nsec + ms % 1000 * 1000000;

	ts.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
	ts.tv_nsec = (long)(ns % 1000000000);
	return ts;
}

/* Nothing is left, not with the thread either, or what was tried failed. */
static bool is_drained(const struct store *s, uint64_t target)
{
	return s->tried >= target &&
	       (s->error || (s->held_count == 0 && pending_count(&s->queue) == 0));
}

int store_drain(struct store *s, uint64_t timeout_ms)
{
	const struct timespec deadline = deadline_after(timeout_ms);
	int r = 0;

	if (!s->has_thread)
		return -ENOENT;
	pthread_mutex_lock(&s->lock);
	uint64_t target = s->batch;

	s->hurry = true;
	pthread_cond_signal(&s->work);
	while (!is_drained(s, target) && r == 0)
		r = pthread_cond_timedwait(&s->attempted, &s->lock, &deadline);
	r = !is_drained(s, target) ? -ETIMEDOUT : s->committed >= target ? 0 : s->error;
	pthread_mutex_unlock(&s->lock);
	deliver(s);
	return r;
}

/* False: the disk holds it, and cannot be waited for. */
static bool end_thread(struct store *s)
{
	const struct timespec deadline = deadline_after(CLOSE_MS);
	int r = 0;

	if (!s->has_thread)
		return true;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->work);
	while (!s->ended && r == 0)
		r = pthread_cond_timedwait(&s->attempted, &s->lock, &deadline);
	bool ended = s->ended;

	pthread_mutex_unlock(&s->lock);
	if (ended)
		pthread_join(s->thread, NULL);
	else
		pthread_detach(s->thread);
	return ended;
}

static void cancel(struct store *s)
{
	struct store_waiter *w;

	while ((w = s->first_waiter)) {
		s->first_waiter = w->next;
		w->done(w->data, -ECANCELED);
		free(w);
	}
	for (struct store_queries *queries = &s->queries; queries;
	     queries = queries == &s->queries ? &s->answers : NULL) {
		for (struct store_query *q = queries->first; q; q = q->next)
			q->fn(q->data, -ECANCELED, NULL, 0);
		store_queries_finish(queries);
	}
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (!end_thread(s)) {
		log_error("store: %s: the disk does not answer", s->path);
		return; /* the thread has it */
	}
	cancel(s);
	destroy(s);
}

void store_get_stats(struct store *s, struct store_stats *ret_stats)
{
	pthread_mutex_lock(&s->lock);
	*ret_stats = s->stats;
	ret_stats->pending = s->held_count + pending_count(&s->urgent) + pending_count(&s->queue);
	ret_stats->error = s->error;
	pthread_mutex_unlock(&s->lock);
}
