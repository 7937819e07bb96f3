/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/store_sql.h"

int store_sql_fail(struct store_db *db, int code, struct store_error *error)
{
	int system = db->sqlite ? sqlite3_system_errno(db->sqlite) : 0;

	snprintf(error->text, sizeof(error->text), "%s%s%s",
		 db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(code), system ? ": " : "",
		 system ? strerror(system) : "");
	if (code == SQLITE_READONLY_DBMOVED)
		return -ESTALE;
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_TOOBIG:
		db->damaged = true;
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		/* the file system's own EUCLEAN is not for us to mend */
		return system > 0 && system != EUCLEAN ? -system : -EIO;
	}
}

int store_sql_run(struct store_db *db, enum statement which, struct store_error *error)
{
	sqlite3_stmt *statement = db->statements[which];
	int code = sqlite3_step(statement);
	int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : store_sql_fail(db, code, error);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return r;
}

int store_sql_roll_back(struct store_db *db, int r)
{
	struct store_error ignored = {""};

	if (!sqlite3_get_autocommit(db->sqlite))
		store_sql_run(db, ROLLBACK, &ignored);
	return r;
}

int store_sql_exec(struct store_db *db, const char *sql, struct store_error *error)
{
	int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : store_sql_fail(db, code, error);
}

int store_sql_number(struct store_db *db, const char *sql, sqlite3_int64 *ret_number,
		     struct store_error *error)
{
	CLEANUP(store_sql_finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);

	*ret_number = 0;
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return store_sql_fail(db, code, error);
	*ret_number = sqlite3_column_int64(statement, 0);
	return 0;
}

int store_sql_if_foreign(struct store_db *db, int r)
{
	return r < 0 && (sqlite3_errcode(db->sqlite) & 0xff) == SQLITE_ERROR ? -EUCLEAN : r;
}
