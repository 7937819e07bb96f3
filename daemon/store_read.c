/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read: all that is loaded at start, and pages of the history. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/store_column.h"
#include "daemon/store_schema.h"

enum { SKIPPED_LOGGED_MAX = 10 };

/* Structure of the tables that are loaded; those that only grow are not read whole at each start. */
static int check_table(struct store_db *db, const char *sql, struct store_error *error)
{
	CLEANUP(store_sql_finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return store_sql_if_foreign(db, store_sql_fail(db, code, error));
	const char *text = (const char *)sqlite3_column_text(statement, 0);

	if (text && strcmp(text, "ok") == 0)
		return 0;
	db->damaged = true;
	/* "*** in database main ***" has a line of its own */
	const char *line = text ? strchr(text, '\n') : NULL;

	snprintf(error->text, sizeof(error->text), "%s",
		 line	? line + 1
		 : text ? text
			: "out of memory");
	return text ? -EUCLEAN : -ENOMEM;
}

/* One table that is loaded: each row that can be read goes to take(). */
struct loading {
	const char *name, *sql;
	const struct columns *columns;
	void (*take)(const struct store_loader *loader, void *row);
};

union any_row {
	struct store_session session;
	struct store_entry entry;
};

static void take_session(const struct store_loader *loader, void *row)
{
	loader->session(loader->data, row);
}

static void take_entry(const struct store_loader *loader, void *row)
{
	loader->entry(loader->data, row);
}

static int load_table(struct store_db *db, const struct loading *loading,
		      const struct store_loader *loader, uint64_t *skipped,
		      struct store_error *error)
{
	CLEANUP(store_sql_finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, loading->sql, -1, &statement, NULL);

	if (code != SQLITE_OK)
		return store_sql_if_foreign(db, store_sql_fail(db, code, error));
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		union any_row row;

		memset(&row, 0, sizeof(row));
		if (store_column_read(statement, loading->columns, &row))
			loading->take(loader, &row);
		else if (++*skipped <= SKIPPED_LOGGED_MAX)
			log_warning("store: a row of the table %s cannot be read and is skipped",
				    loading->name);
	}
	return code == SQLITE_DONE ? 0 : store_sql_fail(db, code, error);
}

static int load_clock(struct store_db *db, const char *sql, struct store_clock *ret_clock,
		      struct store_error *error)
{
	CLEANUP(store_sql_finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);
	struct store_clock clock = {0};

	if (code != SQLITE_OK)
		return store_sql_if_foreign(db, store_sql_fail(db, code, error));
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW && store_column_read(statement, &clock_columns, &clock))
		*ret_clock = clock;
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_sql_fail(db, code, error);
}

int store_db_load(struct store_db *db, const struct store_loader *loader,
		  struct store_clock *ret_clock, uint64_t *ret_skipped, struct store_error *error)
{
	struct loading tables[] = {
		{"sessions", "SELECT " SESSION_COLUMNS " FROM sessions", &session_columns,
		 take_session},
		{"lists", "SELECT " ENTRY_COLUMNS " FROM lists", &entry_columns, take_entry},
	};
	const char *clock_sql = "SELECT " CLOCK_COLUMNS " FROM clock";
	struct store_clock clock = {0};
	uint64_t skipped = 0;
	sqlite3_int64 version;
	int r = store_sql_number(db, "PRAGMA user_version", &version, error);

	if (r == 0 && version < SCHEMA_BOOTED) /* it cannot be written, so it stays as it is */
		tables[0].sql = "SELECT " SESSION_COLUMNS_2 ", 0, 0 FROM sessions";
	else if (r == 0 && version < SCHEMA_LENGTH)
		tables[0].sql = "SELECT " SESSION_COLUMNS_3 ", 0 FROM sessions";
	if (r == 0 && version < SCHEMA_SYNCHRONISED)
		clock_sql = "SELECT " CLOCK_COLUMNS_4 ", 0 FROM clock";
	if (r == 0)
		r = check_table(db, "PRAGMA quick_check(sessions)", error);
	if (r == 0)
		r = check_table(db, "PRAGMA quick_check(lists)", error);
	/* the first error is what counts; what can be read is wanted all the same */
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct store_error other = {""};
		int err = load_table(db, &tables[i], loader, &skipped, r < 0 ? &other : error);

		r = r < 0 ? r : err;
	}
	if (r == 0)
		r = load_clock(db, clock_sql, &clock, error);
	*ret_clock = clock;
	*ret_skipped = skipped;
	return r;
}

int store_db_history(struct store_db *db, uint64_t since_unix, uint64_t after_id, size_t limit,
		     struct store_ended *ret_rows, size_t *ret_count, struct store_error *error)
{
	sqlite3_stmt *statement = db->statements[LIST_ENDED];
	int code = SQLITE_DONE;
	size_t count = 0;

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)since_unix);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)after_id);
	while (count < limit && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		memset(&ret_rows[count], 0, sizeof(ret_rows[count]));
		ret_rows[count].extended =
			(uint64_t)sqlite3_column_int64(statement, (int)ended_columns.count);
		if (store_column_read(statement, &ended_columns, &ret_rows[count]))
			count++;
	}
	int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : store_sql_fail(db, code, error);

	sqlite3_reset(statement);
	*ret_count = count;
	return r;
}
