/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written: each function is one transaction. */
#include <errno.h>
#include <stdio.h>

#include "common/addr.h"
#include "common/clock.h"
#include "daemon/store_column.h"

static int write_row(struct store_db *db, const struct pending_row *row, struct store_error *error)
{
	static const struct {
		enum statement statement;
		const struct columns *columns;
	} ops[][3] = {
		[TABLE_SESSIONS] =
			{
				[PENDING_PUT] = {PUT_SESSION, &session_columns},
				[PENDING_USAGE] = {UPDATE_USAGE, &usage_columns},
				[PENDING_REMOVE] = {REMOVE_SESSION, &session_key},
			},
		[TABLE_LISTS] =
			{
				[PENDING_PUT] = {PUT_ENTRY, &entry_columns},
				[PENDING_REMOVE] = {REMOVE_ENTRY, &entry_key},
			},
	};
	const void *what = row->key.table == TABLE_SESSIONS ? (const void *)&row->session
							    : (const void *)&row->entry;

	return store_column_run(db, ops[row->key.table][row->op].statement,
				ops[row->key.table][row->op].columns, what, error);
}

static int write_audit(struct store_db *db, const struct store_audit *audit,
		       struct store_error *error)
{
	sqlite3_stmt *statement = db->statements[ADD_AUDIT];
	const int next = (int)audit_columns.count + 1;
	char text[MAC_TEXT_MAX];

	if (audit->uid >= 0)
		sqlite3_bind_int64(statement, next, audit->uid);
	if (audit->has_mac)
		sqlite3_bind_text(statement, next + 1, mac_format(&audit->mac, text), -1,
				  SQLITE_TRANSIENT);
	return store_column_run(db, ADD_AUDIT, &audit_columns, audit, error);
}

/* A commit that failed at its very end may prove to be on the disk after all, once the database is
 * opened again: an entry keeps the id that it once got, and is then written over itself. */
static void number_log(uint64_t *last_id, uint64_t *id)
{
	if (*id == 0)
		*id = *last_id + 1;
	if (*id > *last_id)
		*last_id = *id;
}

static int write_log(struct store_db *db, struct pending_log *log, struct store_error *error)
{
	if (log->is_audit) {
		number_log(&db->last_id[1], &log->audit.id);
		return write_audit(db, &log->audit, error);
	}
	number_log(&db->last_id[0], &log->ended.id);
	return store_column_run(db, ADD_ENDED, &ended_columns, &log->ended, error);
}

/* The log itself says what it lacks. */
static int write_lost(struct store_db *db, struct pending *p, struct store_error *error)
{
	struct store_audit audit = {
		.unix_s = now_unix(), .who = "portald", .uid = -1, .action = "lost"};

	if (p->lost[0] + p->lost[1] == 0)
		return 0;
	snprintf(
		audit.detail, sizeof(audit.detail),
		"%llu entries of the history and %llu of the audit log, while the database could not be written",
		(unsigned long long)p->lost[0], (unsigned long long)p->lost[1]);
	number_log(&db->last_id[1], &p->lost_id);
	audit.id = p->lost_id;
	return write_audit(db, &audit, error);
}

static int write_all(struct store_db *db, struct pending *p, struct store_error *error)
{
	struct store_clock clock;
	int r = 0;

	for (const struct pending_row *row = p->rows; row && r == 0; row = row->hh.next)
		r = write_row(db, row, error);
	for (struct pending_log *log = p->first; log && r == 0; log = log->next)
		r = write_log(db, log, error);
	if (r == 0)
		r = write_lost(db, p, error);
	store_clock_now(&clock);
	return r < 0 ? r : store_column_run(db, PUT_CLOCK, &clock_columns, &clock, error);
}

int store_db_write(struct store_db *db, struct pending *pending, struct store_error *error)
{
	int moved = 0;

	/* else we would go on writing to a file that nobody can find */
	sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved) {
		snprintf(error->text, sizeof(error->text), "it was removed or replaced");
		return -ESTALE;
	}
	int r = store_sql_run(db, BEGIN, error);

	if (r == 0)
		r = write_all(db, pending, error);
	if (r == 0)
		r = store_sql_run(db, COMMIT, error);
	return r < 0 ? store_sql_roll_back(db, r) : 0;
}

int store_db_trim(struct store_db *db, uint64_t ended_before, uint64_t audit_before,
		  struct store_error *error)
{
	sqlite3_bind_int64(db->statements[TRIM_ENDED], 1, (sqlite3_int64)ended_before);
	int r = store_sql_run(db, TRIM_ENDED, error);

	if (r < 0)
		return r;
	sqlite3_bind_int64(db->statements[TRIM_AUDIT], 1, (sqlite3_int64)audit_before);
	return store_sql_run(db, TRIM_AUDIT, error);
}

int store_db_lose_sessions(struct store_db *db, struct store_error *error)
{
	int r = store_sql_run(db, BEGIN, error);

	if (r == 0)
		r = store_sql_run(db, LOSE_SESSIONS, error);
	if (r == 0)
		r = store_sql_run(db, REMOVE_SESSIONS, error);
	if (r == 0)
		r = store_sql_run(db, COMMIT, error);
	return r < 0 ? store_sql_roll_back(db, r) : 0;
}
