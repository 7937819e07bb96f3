/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of many sessions, a few in each turn of the loop, and all of them in one transaction with the clock
 * record that they are by.  A clock that is set in the middle makes it begin again.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/persist_private.h"

enum { BURST = 1000 }; /* sessions a turn: some milliseconds */

struct filling {
	struct engine *engine;
	struct event *timer;
	struct sessions_walk walk;
	bool walking; /* it is under way */
	bool all;     /* not only those that the store lacks or has otherwise */
	persist_filled_fn *done;
};

static void go_on(struct filling *f)
{
	static const struct timeval now;

	evtimer_add(f->timer, &now);
}

static void begin_walk(struct filling *f)
{
	if (f->walking)
		sessions_walk_end(&f->walk);
	f->walking = true;
	sessions_walk_begin(&f->walk, &f->engine->sessions, 0, ZONES_MAX);
	go_on(f);
}

static void put_lists(struct engine *e)
{
	for (size_t i = 0; i < STORE_LISTS; i++) {
		for (struct listed *l = e->lists[i].all; l; l = l->hh.next)
			store_put_entry(e->persist->store, &l->entry, NULL, NULL);
	}
}

static void finish(struct filling *f)
{
	persist_filled_fn *done = f->done;

	if (f->all)
		put_lists(f->engine);
	sessions_walk_end(&f->walk);
	f->walking = f->all = false;
	f->done = NULL;
	store_end_all(f->engine->persist->store);
	if (done)
		done(f->engine);
}

static void put_some(struct filling *f)
{
	struct session *s = NULL;

	for (int i = 0; i < BURST; i++) {
		s = sessions_walk_next(&f->walk);
		if (!s)
			break;
		if (f->all || !s->in_store || s->stale)
			persist_put(f->engine, s, NULL, NULL);
	}
	if (s)
		go_on(f);
	else
		finish(f);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	put_some(data);
}

void persist_fill(struct engine *e, bool all, persist_filled_fn *done)
{
	struct filling *f = e->persist->filling;

	f->all = all;
	f->done = done;
	store_begin_all(e->persist->store);
	begin_walk(f);
}

void persist_put_all(void *data)
{
	struct engine *e = data;
	struct filling *f = e->persist->filling;

	if (!f->walking && !e->persist->loaded) {
		e->persist->put_all = true;
		return;
	}
	persist_fill(e, true, f->done);
}

void persist_fill_now(struct engine *e)
{
	struct filling *f = e->persist->filling;

	while (f->walking)
		put_some(f);
}

int persist_fill_create(struct engine *e)
{
	struct filling *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	e->persist->filling = f;
	f->engine = e;
	f->timer = evtimer_new(e->base, on_timer, f);
	return f->timer ? 0 : -ENOMEM;
}

void persist_fill_destroy(struct engine *e)
{
	struct filling *f = e->persist->filling;

	if (!f)
		return;
	if (f->walking)
		sessions_walk_end(&f->walk);
	if (f->timer)
		event_free(f->timer);
	free(f);
	e->persist->filling = NULL;
}
