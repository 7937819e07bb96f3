/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine asks of the store: each goes into the queue, with who waits for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "daemon/store_private.h"

/* NULL is no error if nobody waits. */
static int make_waiter(store_done_fn *done, void *data, struct store_waiter **ret_waiter)
{
	struct store_waiter *w = NULL;

	if (done) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return -ENOMEM;
		w->done = done;
		w->data = data;
		w->since_ms = now_boot_ms();
	}
	*ret_waiter = w;
	return 0;
}

static void add_waiter(struct store *s, struct store_waiter *w)
{
	if (!s->first_waiter)
		s->first_waiter = w;
	else
		s->last_waiter->next = w;
	s->last_waiter = w;
	s->waiter_count++;
}

/* The queue was changed under the lock, and r says how that went; unlocks. */
static int finish(struct store *s, struct store_waiter *w, int r)
{
	uint64_t batch = s->batch;

	pthread_mutex_unlock(&s->lock);
	if (r < 0) {
		free(w);
		return r;
	}
	if (w) {
		w->batch = batch;
		add_waiter(s, w);
	}
	event_active(s->kick, EV_TIMEOUT, 0);
	return 0;
}

/* Under the lock.  A row that is urgent already stays so. */
static int change_session(struct store *s, enum pending_op op, const struct store_session *session,
			  bool urgent)
{
	if (urgent)
		return pending_hurry(&s->urgent, &s->queue, op, session);
	return pending_session(pending_has(&s->urgent, session) ? &s->urgent : &s->queue, op,
			       session);
}

int store_put_session(struct store *s, const struct store_session *session, store_done_fn *done,
		      void *data)
{
	struct store_waiter *w;

	if (!store_session_is_valid(session))
		return -EINVAL;
	int r = make_waiter(done, data, &w);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	r = change_session(s, PENDING_PUT, session, w != NULL);
	return finish(s, w, r);
}

int store_end_session(struct store *s, const struct store_session *last, uint64_t ended_unix,
		      const char *why, store_done_fn *done, void *data)
{
	struct store_ended ended = {.session = *last,
				    .used_ms = session_used_ms(last->length_ms, last->left_ms,
							       last->started_unix, ended_unix),
				    .ended_unix = ended_unix};
	struct store_waiter *w;

	if (!store_session_is_valid(last) || !text_is_plain(why))
		return -EINVAL;
	int r = make_waiter(done, data, &w);

	if (r < 0)
		return r;
	snprintf(ended.why, sizeof(ended.why), "%s", why);
	pthread_mutex_lock(&s->lock);
	r = change_session(s, PENDING_REMOVE, last, w != NULL);
	if (r == 0)
		r = pending_ended(w ? &s->urgent : &s->queue, &ended);
	return finish(s, w, r);
}

int store_usage(struct store *s, const struct store_session *rows, size_t count)
{
	const struct timeval wait = {.tv_sec = (time_t)(s->config.flush_ms / 1000),
				     .tv_usec = (suseconds_t)(s->config.flush_ms % 1000 * 1000)};
	int r = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < count && r == 0; i++)
		r = change_session(s, PENDING_USAGE, &rows[i], false);
	pthread_mutex_unlock(&s->lock);
	if (!evtimer_pending(s->flush, NULL))
		evtimer_add(s->flush, &wait);
	return r;
}

static int change_entry(struct store *s, enum pending_op op, const struct store_entry *entry,
			store_done_fn *done, void *data)
{
	struct store_waiter *w;

	if (!store_entry_is_valid(entry))
		return -EINVAL;
	int r = make_waiter(done, data, &w);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	r = pending_entry(&s->urgent, op, entry);
	return finish(s, w, r);
}

int store_put_entry(struct store *s, const struct store_entry *entry, store_done_fn *done,
		    void *data)
{
	return change_entry(s, PENDING_PUT, entry, done, data);
}

int store_remove_entry(struct store *s, const struct store_entry *entry, store_done_fn *done,
		       void *data)
{
	return change_entry(s, PENDING_REMOVE, entry, done, data);
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	if (text_is_plain(to))
		return;
	for (; *to; to++) {
		if (*to < 0x20 || *to > 0x7e)
			*to = '?';
	}
}

int store_audit(struct store *s, const char *who, int64_t uid, const char *action, const char *zone,
		const struct mac *mac, const char *detail)
{
	struct store_audit audit = {.unix_s = now_unix(), .uid = uid, .has_mac = mac};

	copy_text(audit.who, sizeof(audit.who), who);
	copy_text(audit.action, sizeof(audit.action), action);
	copy_text(audit.zone, sizeof(audit.zone), zone);
	copy_text(audit.detail, sizeof(audit.detail), detail);
	if (mac)
		audit.mac = *mac;
	pthread_mutex_lock(&s->lock);
	return finish(s, NULL, pending_audit(&s->queue, &audit));
}

void store_begin_all(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->filling = true;
	pthread_mutex_unlock(&s->lock);
}

void store_end_all(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->filling = false;
	s->whole = true;
	finish(s, NULL, 0);
}

int store_history(struct store *s, uint64_t since_unix, uint64_t after_id, size_t limit,
		  store_history_fn *fn, void *data)
{
	struct store_query *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->since_unix = since_unix;
	q->after_id = after_id;
	q->limit = limit < STORE_HISTORY_MAX ? limit : STORE_HISTORY_MAX;
	q->fn = fn;
	q->data = data;
	pthread_mutex_lock(&s->lock);
	store_queries_add(&s->queries, q);
	return finish(s, NULL, 0);
}
