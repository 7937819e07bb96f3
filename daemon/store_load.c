/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that the database has, read at start by the thread, which goes on to write it afterwards.  What was
 * read is handed to the loop as a whole: neither half touches it while the other does.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/store_private.h"

enum { ROOM_MIN = 256 };

/* What is being read. */
struct reading {
	struct store_contents *contents;
	size_t session_room, entry_room;
	bool out_of_memory;
};

void store_contents_finish(struct store_contents *c)
{
	free(c->sessions);
	free(c->entries);
	*c = (struct store_contents){0};
}

/* One more element at the end of *items. */
static bool reserve(void *items, size_t count, size_t *room, size_t size)
{
	void **array = items;
	const size_t more = *room ? 2 * *room : ROOM_MIN;

	if (count < *room)
		return true;
	void *larger = reallocarray(*array, more, size);

	if (!larger)
		return false;
	*array = larger;
	*room = more;
	return true;
}

static void take_session(void *data, const struct store_session *session)
{
	struct reading *r = data;
	struct store_contents *c = r->contents;

	if (reserve(&c->sessions, c->session_count, &r->session_room, sizeof(*session)))
		c->sessions[c->session_count++] = *session;
	else
		r->out_of_memory = true;
}

static void take_entry(void *data, const struct store_entry *entry)
{
	struct reading *r = data;
	struct store_contents *c = r->contents;

	if (reserve(&c->entries, c->entry_count, &r->entry_room, sizeof(*entry)))
		c->entries[c->entry_count++] = *entry;
	else
		r->out_of_memory = true;
}

/* Of a database that cannot be written for now. */
static int read_only(struct store *s, const struct store_loader *loader,
		     struct store_clock *ret_clock, uint64_t *ret_skipped)
{
	struct store_db *db = NULL;
	struct store_error error = {""};
	int r = store_db_open_readonly(s->path, &db, &error);

	if (r == 0)
		r = store_db_load(db, loader, ret_clock, ret_skipped, &error);
	if (r < 0)
		log_error("store: %s cannot be read: %s", s->path, error.text);
	store_db_close(db);
	return r;
}

/* Opens it for writing on the way.  0, or why it cannot be written. */
static int read_all(struct store *s, struct reading *reading, uint64_t *ret_skipped,
		    struct store_error *why)
{
	const struct store_loader loader = {take_session, take_entry, reading};
	struct store_contents *c = reading->contents;
	int r = store_db_open(s->path, &s->db, why);

	if (r == 0) {
		r = store_db_load(s->db, &loader, &c->clock, ret_skipped, why);
		c->loaded = r < 0 ? STORE_UNREADABLE : STORE_LOADED;
	} else if (r != -EUCLEAN && read_only(s, &loader, &c->clock, ret_skipped) < 0) {
		c->loaded = STORE_UNREADABLE;
	}
	s->unloaded = c->loaded == STORE_UNREADABLE && r != -EUCLEAN;
	if (r == -EUCLEAN) {
		c->loaded = STORE_DAMAGED;
		r = store_replace(s, why);
		s->renewed = r < 0;
	}
	if (r < 0) {
		store_db_close(s->db);
		s->db = NULL;
	}
	return r;
}

void store_read(struct store *s)
{
	struct store_contents contents = {.loaded = STORE_LOADED};
	struct reading reading = {.contents = &contents};
	struct store_error why = {""};
	uint64_t skipped = 0;
	int r = read_all(s, &reading, &skipped, &why);

	if (skipped)
		log_warning("store: %s: %llu rows could not be read", s->path,
			    (unsigned long long)skipped);
	pthread_mutex_lock(&s->lock);
	s->stats.skipped = skipped;
	s->error = r;
	s->why = why;
	s->resync = r == 0 && contents.loaded == STORE_DAMAGED;
	s->contents = contents;
	s->out_of_memory = reading.out_of_memory;
	s->has_contents = true;
	pthread_mutex_unlock(&s->lock);
	store_wake(s);
}
