/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "daemon/store_column.h"
#include "daemon/store_schema.h"

#define TRIM_ROWS "5000"

/* migrations[n] makes version n + 1 of version n; a released one is never changed. */
static const char *const migrations[] = {
	"CREATE TABLE sessions (zone TEXT NOT NULL, mac TEXT NOT NULL, how INTEGER NOT NULL, note TEXT NOT NULL,"
	" started INTEGER NOT NULL, ends INTEGER NOT NULL, left_ms INTEGER NOT NULL, idle INTEGER NOT NULL,"
	" quota_up INTEGER NOT NULL, quota_down INTEGER NOT NULL, quota_total INTEGER NOT NULL,"
	" rate_up INTEGER NOT NULL, rate_down INTEGER NOT NULL,"
	" packets_up INTEGER NOT NULL, packets_down INTEGER NOT NULL,"
	" bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, last_active INTEGER NOT NULL,"
	" PRIMARY KEY (zone, mac)) WITHOUT ROWID;"
	"CREATE TABLE lists (list INTEGER NOT NULL, zone TEXT NOT NULL, mac TEXT NOT NULL, note TEXT NOT NULL,"
	" added INTEGER NOT NULL, PRIMARY KEY (list, zone, mac)) WITHOUT ROWID;"
	"CREATE TABLE history (id INTEGER PRIMARY KEY, zone TEXT NOT NULL, mac TEXT NOT NULL,"
	" how INTEGER NOT NULL, note TEXT NOT NULL, started INTEGER NOT NULL,"
	" packets_up INTEGER NOT NULL, packets_down INTEGER NOT NULL,"
	" bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, ended INTEGER NOT NULL, why TEXT NOT NULL);"
	"CREATE INDEX history_ended ON history (ended);"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL,"
	" uid INTEGER, action TEXT NOT NULL, zone TEXT NOT NULL, mac TEXT, detail TEXT NOT NULL);"
	"CREATE INDEX audit_time ON audit (time);"
	"CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), boot_id TEXT NOT NULL,"
	" boot_ms INTEGER NOT NULL, unix INTEGER NOT NULL);",
	/* for EXTENSIONS */
	"CREATE INDEX audit_extend ON audit (mac) WHERE action = 'extend';",
	"ALTER TABLE sessions ADD COLUMN booted INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE sessions ADD COLUMN length_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE history ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;"
	"UPDATE history SET used_ms = max(ended - started, 0) * 1000;",
	"ALTER TABLE clock ADD COLUMN synchronised INTEGER NOT NULL DEFAULT 0;",
};

enum {
	SCHEMA_VERSION = sizeof(migrations) / sizeof(migrations[0]),
	SCHEMA_LOADED = 1, /* the oldest whose sessions and lists can be read */
};

/* How often the guest of a row of the history gave itself more time: the entries of the audit log that
 * tell the same beginning of the session, as persist_audit() writes it. */
#define EXTENSIONS                                                                                 \
	"(SELECT count(*) FROM audit WHERE action = 'extend' AND audit.mac = history.mac"          \
	" AND audit.zone = history.zone AND instr(detail, 's left; ' || started || ' ') > 0)"

static const char *const statements[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[PUT_SESSION] = "INSERT OR REPLACE INTO sessions (" SESSION_COLUMNS ")"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[REMOVE_SESSION] = "DELETE FROM sessions WHERE zone = ? AND mac = ?",
	[UPDATE_USAGE] =
		"UPDATE sessions SET left_ms = ?3, packets_up = ?4, packets_down = ?5,"
		" bytes_up = ?6, bytes_down = ?7, last_active = ?8 WHERE zone = ?1 AND mac = ?2",
	[PUT_ENTRY] = "INSERT OR REPLACE INTO lists (" ENTRY_COLUMNS ") VALUES (?, ?, ?, ?, ?)",
	[REMOVE_ENTRY] = "DELETE FROM lists WHERE list = ? AND zone = ? AND mac = ?",
	[ADD_ENDED] = "INSERT OR REPLACE INTO history (" ENDED_COLUMNS ", id)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_AUDIT] = "INSERT OR REPLACE INTO audit (id, time, who, action, zone, detail, uid, mac)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_CLOCK] = "INSERT OR REPLACE INTO clock (" CLOCK_COLUMNS ", id) VALUES (?, ?, ?, ?, 1)",
	[TRIM_ENDED] =
		"DELETE FROM history WHERE id IN"
		" (SELECT id FROM history WHERE ended < ? ORDER BY ended LIMIT " TRIM_ROWS ")",
	[TRIM_AUDIT] = "DELETE FROM audit WHERE id IN"
		       " (SELECT id FROM audit WHERE time < ? ORDER BY time LIMIT " TRIM_ROWS ")",
	[LIST_ENDED] = "SELECT " ENDED_COLUMNS ", id, " EXTENSIONS
		       " FROM history WHERE (ended, id) > (?, ?) ORDER BY ended, id",
	[LOSE_SESSIONS] =
		"INSERT INTO history (" ENDED_COLUMNS ") SELECT zone, mac, how, note, started,"
		" packets_up, packets_down, bytes_up, bytes_down, max(started, last_active),"
		" 'lost', max(iif(length_ms, length_ms - left_ms, (last_active - started) * 1000), 0)"
		" FROM sessions",
	[REMOVE_SESSIONS] = "DELETE FROM sessions",
};

int store_schema_migrate(struct store_db *db, struct store_error *error)
{
	sqlite3_int64 version;
	int r = store_sql_number(db, "PRAGMA user_version", &version, error);
	char sql[64];

	if (r < 0)
		return r;
	if (version > SCHEMA_VERSION || version < 0) {
		snprintf(
			error->text, sizeof(error->text),
			"a newer portald wrote it (version %d, this one knows %d); it is left as it is",
			(int)version, SCHEMA_VERSION);
		return -ENOTSUP;
	}
	r = store_sql_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", error);
	if (r < 0 || version == SCHEMA_VERSION)
		return r;
	r = store_sql_exec(db, "BEGIN IMMEDIATE", error);
	for (; r == 0 && version < SCHEMA_VERSION; version++)
		r = store_sql_if_foreign(db, store_sql_exec(db, migrations[version], error));
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d; COMMIT", SCHEMA_VERSION);
	return r < 0 ? r : store_sql_exec(db, sql, error);
}

int store_schema_check(struct store_db *db, struct store_error *error)
{
	sqlite3_int64 version;
	int r = store_sql_number(db, "PRAGMA user_version", &version, error);

	if (r < 0 || (version >= SCHEMA_LOADED && version <= SCHEMA_VERSION))
		return r;
	snprintf(error->text, sizeof(error->text), "it is of version %d, not %d to %d",
		 (int)version, SCHEMA_LOADED, SCHEMA_VERSION);
	return -ENOTSUP;
}

int store_schema_prepare(struct store_db *db, struct store_error *error)
{
	for (int i = 0; i < STATEMENTS; i++) {
		int code = sqlite3_prepare_v3(db->sqlite, statements[i], -1,
					      SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL);

		if (code != SQLITE_OK)
			return store_sql_if_foreign(db, store_sql_fail(db, code, error));
	}
	return 0;
}
