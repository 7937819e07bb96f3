/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SQLite, for the files that make the database of daemon/store_db.h and for nobody else: store_db.c
 * opens the file, store_schema.c says what is in it, store_column.c how a row looks, store_read.c and
 * store_write.c what is done with it, store_sql.c runs a statement.
 */
#pragma once

#include <sqlite3.h>

#include "daemon/store_db.h"

/* Prepared once; their texts are in store_schema.c. */
enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	PUT_SESSION,
	REMOVE_SESSION,
	UPDATE_USAGE,
	PUT_ENTRY,
	REMOVE_ENTRY,
	ADD_ENDED,
	ADD_AUDIT,
	PUT_CLOCK,
	TRIM_ENDED,
	TRIM_AUDIT,
	LIST_ENDED,
	LOSE_SESSIONS,
	REMOVE_SESSIONS,
	STATEMENTS
};

struct store_db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[STATEMENTS];
	uint64_t last_id[2]; /* of history and audit */
	bool damaged;
};

/* What SQLite said, as errno and for people. */
int store_sql_fail(struct store_db *db, int code, struct store_error *error);
/* The same, after SQL of ours: if it makes no sense to SQLite, tables or columns are not those that we
 * made. */
int store_sql_if_foreign(struct store_db *db, int r);

/* Runs a statement whose values are bound, and clears them. */
int store_sql_run(struct store_db *db, enum statement which, struct store_error *error);
/* A transaction is half done: none of it stays.  Returns r. */
int store_sql_roll_back(struct store_db *db, int r);
int store_sql_exec(struct store_db *db, const char *sql, struct store_error *error);
/* The value of a PRAGMA, or of anything that is one number. */
int store_sql_number(struct store_db *db, const char *sql, sqlite3_int64 *ret_number,
		     struct store_error *error);

/* For CLEANUP(). */
static inline void store_sql_finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
