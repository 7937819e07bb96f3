/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store_pending.h"

/* The whole of it is hashed. */
static struct pending_key make_key(enum pending_table table, enum store_list list, const char *zone,
				   const struct mac *mac)
{
	struct pending_key key;

	memset(&key, 0, sizeof(key));
	key.table = table;
	key.list = list;
	snprintf(key.zone, sizeof(key.zone), "%s", zone);
	key.mac = *mac;
	return key;
}

static void take_usage(struct store_session *to, const struct store_session *from)
{
	to->left_ms = from->left_ms;
	to->packets_up = from->packets_up;
	to->packets_down = from->packets_down;
	to->bytes_up = from->bytes_up;
	to->bytes_down = from->bytes_down;
	to->last_active_unix = from->last_active_unix;
}

/* What a later operation makes of an earlier one. */
static void apply(struct pending_row *row, const struct pending_row *later)
{
	if (later->op != PENDING_USAGE) {
		row->op = later->op;
		if (row->key.table == TABLE_SESSIONS)
			row->session = later->session;
		else
			row->entry = later->entry;
	} else if (row->op != PENDING_REMOVE) {
		take_usage(&row->session, &later->session);
	}
}

static int add_row(struct pending *p, const struct pending_row *later)
{
	struct pending_row *row;

	HASH_FIND(hh, p->rows, &later->key, sizeof(later->key), row);
	if (row) {
		apply(row, later);
		return 0;
	}
	row = malloc(sizeof(*row));
	if (!row)
		return -ENOMEM;
	*row = *later;
	HASH_ADD(hh, p->rows, key, sizeof(row->key), row);
	return 0;
}

static struct pending_row session_row(enum pending_op op, const struct store_session *session)
{
	struct pending_row row = {.op = op, .session = *session};

	row.key = make_key(TABLE_SESSIONS, 0, session->zone, &session->mac);
	return row;
}

int pending_session(struct pending *p, enum pending_op op, const struct store_session *session)
{
	const struct pending_row row = session_row(op, session);

	return add_row(p, &row);
}

static bool move_row(struct pending *from, const struct pending_key *key, struct pending *to)
{
	struct pending_row *row;

	HASH_FIND(hh, from->rows, key, sizeof(*key), row);
	if (!row)
		return false;
	HASH_DEL(from->rows, row);
	HASH_ADD(hh, to->rows, key, sizeof(row->key), row);
	return true;
}

int pending_hurry(struct pending *urgent, struct pending *p, enum pending_op op,
		  const struct store_session *session)
{
	const struct pending_row row = session_row(op, session);

	move_row(p, &row.key, urgent);
	return add_row(urgent, &row);
}

bool pending_has(const struct pending *p, const struct store_session *session)
{
	const struct pending_key key = make_key(TABLE_SESSIONS, 0, session->zone, &session->mac);
	struct pending_row *row;

	HASH_FIND(hh, p->rows, &key, sizeof(key), row);
	return row != NULL;
}

int pending_entry(struct pending *p, enum pending_op op, const struct store_entry *entry)
{
	struct pending_row row = {.op = op, .entry = *entry};

	row.key = make_key(TABLE_LISTS, entry->list, entry->zone, &entry->mac);
	return add_row(p, &row);
}

/* Takes it over. */
static void add_log(struct pending *p, struct pending_log *log)
{
	if (p->log_count[log->is_audit] >= STORE_PENDING_LOG_MAX) {
		p->lost[log->is_audit]++;
		free(log);
		return;
	}
	p->log_count[log->is_audit]++;
	log->next = NULL;
	if (p->last)
		p->last->next = log;
	else
		p->first = log;
	p->last = log;
}

int pending_ended(struct pending *p, const struct store_ended *ended)
{
	struct pending_log *log = malloc(sizeof(*log));

	if (!log)
		return -ENOMEM;
	log->is_audit = false;
	log->ended = *ended;
	add_log(p, log);
	return 0;
}

int pending_audit(struct pending *p, const struct store_audit *audit)
{
	struct pending_log *log = malloc(sizeof(*log));

	if (!log)
		return -ENOMEM;
	log->is_audit = true;
	log->audit = *audit;
	add_log(p, log);
	return 0;
}

static struct pending_log *first_log(struct pending *p)
{
	struct pending_log *log = p->first;

	p->first = log->next;
	if (!p->first)
		p->last = NULL;
	p->log_count[log->is_audit]--;
	return log;
}

void pending_take(struct pending *p, size_t max, struct pending *ret_taken)
{
	struct pending taken = {.lost = {p->lost[0], p->lost[1]}};
	size_t n = 0;

	if (max >= pending_count(p)) {
		*ret_taken = *p;
		*p = (struct pending){0};
		return;
	}
	p->lost[0] = p->lost[1] = 0;
	for (; n < max && p->first; n++) {
		struct pending_log *log = first_log(p);
		const struct store_session *s = &log->ended.session;

		if (!log->is_audit) {
			const struct pending_key key =
				make_key(TABLE_SESSIONS, 0, s->zone, &s->mac);

			move_row(p, &key, &taken);
		}
		add_log(&taken, log);
	}
	for (; n < max && p->rows && !p->first; n++) {
		struct pending_row *row = p->rows;

		HASH_DEL(p->rows, row);
		HASH_ADD(hh, taken.rows, key, sizeof(row->key), row);
	}
	*ret_taken = taken;
}

static void merge_rows(struct pending *p, struct pending *newer)
{
	struct pending_row *later, *next, *row;

	if (!p->rows) {
		p->rows = newer->rows;
		return;
	}
	HASH_ITER (hh, newer->rows, later, next) {
		HASH_DEL(newer->rows, later);
		HASH_FIND(hh, p->rows, &later->key, sizeof(later->key), row);
		if (row) {
			apply(row, later);
			free(later);
		} else {
			HASH_ADD(hh, p->rows, key, sizeof(later->key), later);
		}
	}
}

void pending_merge(struct pending *p, struct pending *newer)
{
	merge_rows(p, newer);
	for (struct pending_log *log = newer->first, *next; log; log = next) {
		next = log->next;
		add_log(p, log);
	}
	for (size_t i = 0; i < 2; i++)
		p->lost[i] += newer->lost[i];
	*newer = (struct pending){0};
}

void pending_forget_ids(struct pending *p)
{
	p->lost_id = 0;
	for (struct pending_log *log = p->first; log; log = log->next) {
		if (log->is_audit)
			log->audit.id = 0;
		else
			log->ended.id = 0;
	}
}

size_t pending_count(const struct pending *p)
{
	return HASH_COUNT(p->rows) + p->log_count[0] + p->log_count[1];
}

void pending_finish(struct pending *p)
{
	struct pending_row *row, *next_row;

	HASH_ITER (hh, p->rows, row, next_row) {
		HASH_DEL(p->rows, row);
		free(row);
	}
	for (struct pending_log *log = p->first, *next; log; log = next) {
		next = log->next;
		free(log);
	}
	*p = (struct pending){0};
}
