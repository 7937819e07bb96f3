/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread: it reads all, and from then on takes what is queued, and writes it in one transaction.  What could
 * not be written stays in `held`, and what is newer goes on top of it at the next attempt.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/store_private.h"

enum {
	TRIM_MS = 600 * 1000,
	PORTION = 2000, /* rows of a transaction that nobody waits for: some milliseconds */
};

void store_queries_add(struct store_queries *queries, struct store_query *query)
{
	query->next = NULL;
	if (queries->last)
		queries->last->next = query;
	else
		queries->first = query;
	queries->last = query;
}

void store_queries_finish(struct store_queries *queries)
{
	for (struct store_query *q = queries->first, *next; q; q = next) {
		next = q->next;
		free(q->rows);
		free(q);
	}
	*queries = (struct store_queries){0};
}

void store_wake(struct store *s)
{
	const uint64_t one = 1;

	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is awake */
}

int store_replace(struct store *s, struct store_error *error)
{
	log_error("store: %s is damaged: %s", s->path, error->text);
	store_db_close(s->db);
	s->db = NULL;
	s->renewed = true;
	pending_forget_ids(&s->held);
	int r = store_db_move_aside(s->path, error);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	s->stats.moved_aside++;
	pthread_mutex_unlock(&s->lock);
	return store_db_open(s->path, &s->db, error);
}

/* The engine never heard of the sessions in this file, and knows better by now. */
static int adopt(struct store *s, struct store_error *error)
{
	int r = store_db_lose_sessions(s->db, error);

	if (r < 0)
		return r;
	s->unloaded = false;
	s->renewed = true;
	return 0;
}

static int open_db(struct store *s, struct store_error *error)
{
	if (s->db)
		return 0;
	int r = store_db_open(s->path, &s->db, error);

	if (r == -EUCLEAN)
		return store_replace(s, error);
	return r == 0 && s->unloaded ? adopt(s, error) : r;
}

/* In a database that turns out to be damaged, or gone, and then in a fresh one. */
static int write_held(struct store *s, struct store_error *error)
{
	int r = -EUCLEAN;

	for (int tries = 0; tries < 2; tries++) {
		r = open_db(s, error);
		if (r == 0)
			r = store_db_write(s->db, &s->held, error);
		if (r == 0)
			return 0;
		if (r == -EUCLEAN && s->db) {
			r = store_replace(s, error);
			if (r < 0)
				return r;
			continue;
		}
		store_db_close(s->db);
		s->db = NULL;
		if (r != -ESTALE)
			return r;
		log_error("store: %s: %s; it is written anew", s->path, error->text);
		s->unloaded = true;
		pending_forget_ids(&s->held);
		r = store_db_move_log_aside(s->path, error);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return r;
}

static uint64_t days_ago(uint64_t days)
{
	uint64_t now = now_unix();

	return now / 86400 > days ? now - days * 86400 : 0; /* a clock that is not set */
}

static void replace_later(struct store *s, struct store_error *error)
{
	if (store_replace(s, error) < 0)
		log_error("store: %s: %s", s->path, error->text);
}

static void trim(struct store *s)
{
	struct store_error error = {""};
	uint64_t now = now_boot_ms();

	if (s->trimmed_ms && now - s->trimmed_ms < TRIM_MS)
		return;
	s->trimmed_ms = now;
	int r = store_db_trim(s->db, days_ago(s->config.history_days),
			      days_ago(s->config.audit_days), &error);

	if (r == -EUCLEAN)
		replace_later(s, &error);
	else if (r < 0) /* there is no hurry */
		log_warning("store: old entries were not removed: %s", error.text);
}

static void answer(struct store *s, struct store_query *q)
{
	struct store_error error = {""};

	q->error = -EIO;
	if (!s->db)
		return;
	q->rows = calloc(q->limit ? q->limit : 1, sizeof(*q->rows));
	q->error = q->rows ? store_db_history(s->db, q->since_unix, q->after_id, q->limit, q->rows,
					      &q->count, &error)
			   : -ENOMEM;
	if (q->error < 0)
		log_warning("store: history: %s", error.text);
	if (q->error == -EUCLEAN)
		replace_later(s, &error);
}

static void answer_all(struct store *s, struct store_queries *queries)
{
	if (!queries->first)
		return;
	for (struct store_query *q = queries->first; q; q = q->next)
		answer(s, q);
	pthread_mutex_lock(&s->lock);
	for (struct store_query *q = queries->first, *next; q; q = next) {
		next = q->next;
		store_queries_add(&s->answers, q);
	}
	pthread_mutex_unlock(&s->lock);
	store_wake(s);
}

static struct timespec after(uint64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ms / 1000);
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

/* While it fails, what is queued waits for the next attempt.  False: the end. */
static bool wait_for_work(struct store *s)
{
	const struct timespec retry = after(s->config.retry_ms);
	int r = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->stop && !s->hurry && r != ETIMEDOUT &&
	       !(s->kicked && !s->error && !s->filling)) {
		if (s->error || s->renewed)
			r = pthread_cond_timedwait(&s->work, &s->lock, &retry);
		else
			r = pthread_cond_wait(&s->work, &s->lock);
	}
	s->kicked = s->hurry = false;
	bool go_on = !s->stop;

	pthread_mutex_unlock(&s->lock);
	return go_on;
}

static void publish(struct store *s, uint64_t batch, int r, const struct store_error *why,
		    uint64_t us)
{
	pthread_mutex_lock(&s->lock);
	s->tried = batch;
	s->error = r;
	s->why = *why;
	s->held_count = r < 0 ? pending_count(&s->held) : 0;
	if (r == 0) {
		s->committed = batch;
		s->stats.commits++;
		s->stats.commit_us += us;
		s->stats.last_commit_us = us;
		histogram_add(&s->stats.commit_time, us);
		s->stats.lost += s->held.lost[0] + s->held.lost[1];
		s->resync = s->resync || s->renewed;
		s->renewed = false;
	}
	pthread_cond_broadcast(&s->attempted);
	pthread_mutex_unlock(&s->lock);
	store_wake(s);
}

/* Takes all that is urgent and a portion of the rest; questions wait until nothing is left, so that
 * the answer has what was queued before. */
static uint64_t take(struct store *s, struct store_queries *ret_queries)
{
	struct pending urgent, portion;
	uint64_t batch;

	*ret_queries = (struct store_queries){0};
	pthread_mutex_lock(&s->lock);
	batch = s->batch++;
	urgent = s->urgent;
	s->urgent = (struct pending){0};
	pending_take(&s->queue, s->whole ? SIZE_MAX : PORTION, &portion);
	s->whole = false;
	s->kicked = pending_count(&s->queue) > 0;
	if (!s->kicked) {
		*ret_queries = s->queries;
		s->queries = (struct store_queries){0};
	}
	s->held_count += pending_count(&urgent) + pending_count(&portion);
	pthread_mutex_unlock(&s->lock);
	pending_merge(&s->held, &portion);
	pending_merge(&s->held, &urgent);
	return batch;
}

static void work(struct store *s)
{
	struct store_queries queries;
	struct store_error error = {""};
	uint64_t start = now_us(), batch = take(s, &queries);
	int r = write_held(s, &error);

	publish(s, batch, r, &error, now_us() - start);
	if (r == 0) {
		pending_finish(&s->held);
		trim(s);
	}
	answer_all(s, &queries);
}

void *store_thread(void *store)
{
	struct store *s = store;

	store_read(s);
	while (wait_for_work(s))
		work(s);
	store_db_close(s->db);
	s->db = NULL;
	pending_finish(&s->held);
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->attempted);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
