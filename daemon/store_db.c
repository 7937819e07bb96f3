/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only file that knows SQLite.  Tables of columns say where in a struct a value is and what it
 * may be; they serve both ways, so that what was written can be read.
 *
 * WAL with synchronous=FULL: a commit is one fdatasync() of the log, and it is on the disk when it
 * returns.  The file may have been damaged or edited by hand: views and triggers are off, and every
 * value is checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "daemon/store_db.h"

enum {
	BUSY_MS = 2000, /* somebody looks at it with another program */
	WAL_KEPT_MAX = 4 * 1024 * 1024,
	VALUE_MAX = 64 * 1024, /* bytes of one row */
	SKIPPED_LOGGED_MAX = 10,
};

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
};

enum { SCHEMA_VERSION = sizeof(migrations) / sizeof(migrations[0]) };

#define SESSION_COLUMNS                                                                            \
	"zone, mac, how, note, started, ends, left_ms, idle, quota_up, quota_down, quota_total,"   \
	" rate_up, rate_down, packets_up, packets_down, bytes_up, bytes_down, last_active"
#define ENTRY_COLUMNS "list, zone, mac, note, added"
#define ENDED_COLUMNS                                                                              \
	"zone, mac, how, note, started, packets_up, packets_down, bytes_up, bytes_down, ended, why"

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

static const char *const statements[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[PUT_SESSION] = "INSERT OR REPLACE INTO sessions (" SESSION_COLUMNS ")"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[REMOVE_SESSION] = "DELETE FROM sessions WHERE zone = ? AND mac = ?",
	[UPDATE_USAGE] =
		"UPDATE sessions SET left_ms = ?3, packets_up = ?4, packets_down = ?5,"
		" bytes_up = ?6, bytes_down = ?7, last_active = ?8 WHERE zone = ?1 AND mac = ?2",
	[PUT_ENTRY] = "INSERT OR REPLACE INTO lists (" ENTRY_COLUMNS ") VALUES (?, ?, ?, ?, ?)",
	[REMOVE_ENTRY] = "DELETE FROM lists WHERE list = ? AND zone = ? AND mac = ?",
	[ADD_ENDED] = "INSERT OR REPLACE INTO history (" ENDED_COLUMNS ", id)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_AUDIT] = "INSERT OR REPLACE INTO audit (id, time, who, action, zone, detail, uid, mac)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_CLOCK] =
		"INSERT OR REPLACE INTO clock (id, boot_id, boot_ms, unix) VALUES (1, ?, ?, ?)",
	[TRIM_ENDED] =
		"DELETE FROM history WHERE id IN"
		" (SELECT id FROM history WHERE ended < ? ORDER BY ended LIMIT " TRIM_ROWS ")",
	[TRIM_AUDIT] = "DELETE FROM audit WHERE id IN"
		       " (SELECT id FROM audit WHERE time < ? ORDER BY time LIMIT " TRIM_ROWS ")",
	[LIST_ENDED] = "SELECT " ENDED_COLUMNS ", id FROM history WHERE (ended, id) > (?, ?)"
		       " ORDER BY ended, id",
	[LOSE_SESSIONS] =
		"INSERT INTO history (" ENDED_COLUMNS ") SELECT zone, mac, how, note, started,"
		" packets_up, packets_down, bytes_up, bytes_down, max(started, last_active),"
		" 'lost' FROM sessions",
	[REMOVE_SESSIONS] = "DELETE FROM sessions",
};

enum column_type {
	COLUMN_TEXT,   /* char[limit], with its NUL */
	COLUMN_NAME,   /* the same, not empty */
	COLUMN_MAC,    /* struct mac */
	COLUMN_CHOICE, /* an enum below limit */
	COLUMN_NUMBER, /* uint64_t up to limit */
};

struct column {
	enum column_type type;
	size_t offset;
	uint64_t limit;
};

#define SECONDS_MAX	 (UINT64_C(1) << 40)
#define MILLISECONDS_MAX (UINT64_C(1) << 50)
#define COUNTER_MAX	 ((uint64_t)INT64_MAX)

#define SESSION(field)	offsetof(struct store_session, field)
#define ENDED(field)	offsetof(struct store_ended, field)
#define ENTRY(field)	offsetof(struct store_entry, field)
#define AUDIT(field)	offsetof(struct store_audit, field)
#define LENGTH(columns) (sizeof(columns) / sizeof((columns)[0]))

/* The first two are the key, also of REMOVE_SESSION. */
static const struct column session_columns[] = {
	{COLUMN_NAME, SESSION(zone), ZONE_NAME_MAX},
	{COLUMN_MAC, SESSION(mac), 0},
	{COLUMN_CHOICE, SESSION(how), HOW_GRANT + 1},
	{COLUMN_TEXT, SESSION(note), NOTE_MAX},
	{COLUMN_NUMBER, SESSION(started_unix), SECONDS_MAX},
	{COLUMN_NUMBER, SESSION(ends_unix), SECONDS_MAX},
	{COLUMN_NUMBER, SESSION(left_ms), MILLISECONDS_MAX},
	{COLUMN_NUMBER, SESSION(idle_s), SECONDS_MAX},
	{COLUMN_NUMBER, SESSION(quota_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(quota_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(quota_total), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(rate_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(rate_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(packets_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(packets_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(bytes_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(bytes_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(last_active_unix), SECONDS_MAX},
};

static const struct column usage_columns[] = {
	{COLUMN_NAME, SESSION(zone), ZONE_NAME_MAX},
	{COLUMN_MAC, SESSION(mac), 0},
	{COLUMN_NUMBER, SESSION(left_ms), MILLISECONDS_MAX},
	{COLUMN_NUMBER, SESSION(packets_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(packets_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(bytes_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(bytes_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(last_active_unix), SECONDS_MAX},
};

/* The first three are the key, also of REMOVE_ENTRY. */
static const struct column entry_columns[] = {
	{COLUMN_CHOICE, ENTRY(list), STORE_BLOCK + 1},
	{COLUMN_TEXT, ENTRY(zone), ZONE_NAME_MAX},
	{COLUMN_MAC, ENTRY(mac), 0},
	{COLUMN_TEXT, ENTRY(note), NOTE_MAX},
	{COLUMN_NUMBER, ENTRY(added_unix), SECONDS_MAX},
};

static const struct column ended_columns[] = {
	{COLUMN_NAME, ENDED(session.zone), ZONE_NAME_MAX},
	{COLUMN_MAC, ENDED(session.mac), 0},
	{COLUMN_CHOICE, ENDED(session.how), HOW_GRANT + 1},
	{COLUMN_TEXT, ENDED(session.note), NOTE_MAX},
	{COLUMN_NUMBER, ENDED(session.started_unix), SECONDS_MAX},
	{COLUMN_NUMBER, ENDED(session.packets_up), COUNTER_MAX},
	{COLUMN_NUMBER, ENDED(session.packets_down), COUNTER_MAX},
	{COLUMN_NUMBER, ENDED(session.bytes_up), COUNTER_MAX},
	{COLUMN_NUMBER, ENDED(session.bytes_down), COUNTER_MAX},
	{COLUMN_NUMBER, ENDED(ended_unix), SECONDS_MAX},
	{COLUMN_TEXT, ENDED(why), STORE_WORD_MAX},
	{COLUMN_NUMBER, ENDED(id), COUNTER_MAX},
};

static const struct column audit_columns[] = {
	{COLUMN_NUMBER, AUDIT(id), COUNTER_MAX},   {COLUMN_NUMBER, AUDIT(unix_s), SECONDS_MAX},
	{COLUMN_TEXT, AUDIT(who), STORE_WORD_MAX}, {COLUMN_TEXT, AUDIT(action), STORE_WORD_MAX},
	{COLUMN_TEXT, AUDIT(zone), ZONE_NAME_MAX}, {COLUMN_TEXT, AUDIT(detail), STORE_DETAIL_MAX},
};

static const struct column clock_columns[] = {
	{COLUMN_TEXT, offsetof(struct store_clock, boot_id), BOOT_ID_MAX},
	{COLUMN_NUMBER, offsetof(struct store_clock, boot_ms), MILLISECONDS_MAX},
	{COLUMN_NUMBER, offsetof(struct store_clock, unix_s), SECONDS_MAX},
};

struct store_db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[STATEMENTS];
	uint64_t last_id[2]; /* of history and audit */
	bool damaged;
};

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static void close_db(struct store_db **db)
{
	store_db_close(*db);
}

/* What SQLite said, as errno and for people. */
static int fail(struct store_db *db, int code, struct store_error *error)
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

static void bind_column(sqlite3_stmt *statement, int i, const struct column *column,
			const void *row)
{
	const void *at = (const char *)row + column->offset;
	char text[MAC_TEXT_MAX];
	uint64_t number;

	switch (column->type) {
	case COLUMN_TEXT:
	case COLUMN_NAME:
		sqlite3_bind_text(statement, i, at, -1, SQLITE_STATIC);
		break;
	case COLUMN_MAC:
		sqlite3_bind_text(statement, i, mac_format(at, text), -1, SQLITE_TRANSIENT);
		break;
	case COLUMN_CHOICE:
		sqlite3_bind_int(statement, i, (int)*(const unsigned int *)at);
		break;
	case COLUMN_NUMBER:
		number = *(const uint64_t *)at;
		sqlite3_bind_int64(
			statement, i,
			(sqlite3_int64)(number < column->limit ? number : column->limit));
		break;
	}
}

static bool read_number(sqlite3_stmt *statement, int i, uint64_t limit, uint64_t *ret_number)
{
	sqlite3_int64 number = sqlite3_column_int64(statement, i);

	if (sqlite3_column_type(statement, i) != SQLITE_INTEGER || number < 0 ||
	    (uint64_t)number > limit)
		return false;
	*ret_number = (uint64_t)number;
	return true;
}

/* A NUL, control characters, or too long: not ours. */
static bool read_text(sqlite3_stmt *statement, int i, size_t size, char *ret_text)
{
	const char *text = sqlite3_column_type(statement, i) == SQLITE_TEXT
				   ? (const char *)sqlite3_column_text(statement, i)
				   : NULL;
	size_t bytes = (size_t)sqlite3_column_bytes(statement, i);

	if (!text || bytes >= size || strlen(text) != bytes || !text_is_plain(text))
		return false;
	memcpy(ret_text, text, bytes + 1);
	return true;
}

static bool read_column(sqlite3_stmt *statement, int i, const struct column *column, void *row)
{
	void *at = (char *)row + column->offset;
	char text[MAC_TEXT_MAX];
	uint64_t number;

	switch (column->type) {
	case COLUMN_TEXT:
		return read_text(statement, i, column->limit, at);
	case COLUMN_NAME:
		return read_text(statement, i, column->limit, at) && *(const char *)at;
	case COLUMN_MAC:
		return read_text(statement, i, sizeof(text), text) && mac_parse(text, at) == 0;
	case COLUMN_CHOICE:
		if (!read_number(statement, i, column->limit - 1, &number))
			return false;
		*(unsigned int *)at = (unsigned int)number;
		return true;
	case COLUMN_NUMBER:
		return read_number(statement, i, column->limit, at);
	}
	return false;
}

static bool read_row(sqlite3_stmt *statement, const struct column *columns, size_t count, void *row)
{
	for (size_t i = 0; i < count; i++) {
		if (!read_column(statement, (int)i, &columns[i], row))
			return false;
	}
	return true;
}

static int run(struct store_db *db, enum statement which, struct store_error *error)
{
	sqlite3_stmt *statement = db->statements[which];
	int code = sqlite3_step(statement);
	int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : fail(db, code, error);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return r;
}

static int run_row(struct store_db *db, enum statement which, const struct column *columns,
		   size_t count, const void *row, struct store_error *error)
{
	for (size_t i = 0; i < count; i++)
		bind_column(db->statements[which], (int)i + 1, &columns[i], row);
	return run(db, which, error);
}

/* A transaction is half done: none of it stays. */
static int roll_back(struct store_db *db, int r)
{
	struct store_error ignored = {""};

	if (!sqlite3_get_autocommit(db->sqlite))
		run(db, ROLLBACK, &ignored);
	return r;
}

static int exec(struct store_db *db, const char *sql, struct store_error *error)
{
	int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : fail(db, code, error);
}

/* The value of a PRAGMA, or of anything that is one number. */
static int query_number(struct store_db *db, const char *sql, sqlite3_int64 *ret_number,
			struct store_error *error)
{
	CLEANUP(finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);

	*ret_number = 0;
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return fail(db, code, error);
	*ret_number = sqlite3_column_int64(statement, 0);
	return 0;
}

/* SQL of ours that makes no sense to SQLite: tables or columns are not those that we made. */
static int if_foreign(struct store_db *db, int r)
{
	return r < 0 && (sqlite3_errcode(db->sqlite) & 0xff) == SQLITE_ERROR ? -EUCLEAN : r;
}

static int migrate(struct store_db *db, struct store_error *error)
{
	sqlite3_int64 version;
	int r = query_number(db, "PRAGMA user_version", &version, error);
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
	r = exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", error);
	if (r < 0 || version == SCHEMA_VERSION)
		return r;
	r = exec(db, "BEGIN IMMEDIATE", error);
	for (; r == 0 && version < SCHEMA_VERSION; version++)
		r = if_foreign(db, exec(db, migrations[version], error));
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d; COMMIT", SCHEMA_VERSION);
	return r < 0 ? r : exec(db, sql, error);
}

static int prepare(struct store_db *db, struct store_error *error)
{
	for (int i = 0; i < STATEMENTS; i++) {
		int code = sqlite3_prepare_v3(db->sqlite, statements[i], -1,
					      SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL);

		if (code != SQLITE_OK)
			return if_foreign(db, fail(db, code, error));
	}
	return 0;
}

/* After a failed fdatasync() the kernel calls pages of the log clean that never reached the disk,
 * and the next one succeeds (https://wiki.postgresql.org/wiki/Fsync_Errors).  So what is in the log
 * is written again, into the database, before anything builds upon it; best effort: a full disk may
 * have room for the log alone. */
static void settle_log(struct store_db *db)
{
	sqlite3_exec(db->sqlite, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}

/* Ids only grow; those that are negative are not ours. */
static int find_last_ids(struct store_db *db, struct store_error *error)
{
	static const char *const queries[] = {"SELECT ifnull(max(id), 0) FROM history",
					      "SELECT ifnull(max(id), 0) FROM audit"};

	for (size_t i = 0; i < LENGTH(queries); i++) {
		sqlite3_int64 id;
		int r = query_number(db, queries[i], &id, error);

		if (r < 0)
			return if_foreign(db, r);
		if (id >= INT64_MAX - UINT32_MAX) {
			snprintf(error->text, sizeof(error->text), "the largest id is taken");
			return -EUCLEAN;
		}
		db->last_id[i] = id > 0 ? (uint64_t)id : 0;
	}
	return 0;
}

/* Before anything is read: nothing in the file is run, and no row is larger than ours are. */
static void distrust(struct store_db *db)
{
	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

static int open_file(const char *name, int flags, struct store_db **ret_db,
		     struct store_error *error)
{
	CLEANUP(close_db) struct store_db *db = calloc(1, sizeof(*db));

	if (!db)
		return -ENOMEM;
	int code = sqlite3_open_v2(name, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (code != SQLITE_OK) {
		int r = fail(db, code, error);

		return r < 0 ? r : -EIO; /* for static analysis */
	}
	distrust(db);
	*ret_db = steal_ptr(&db);
	return 0;
}

int store_db_open(const char *path, struct store_db **ret_db, struct store_error *error)
{
	CLEANUP(close_db) struct store_db *db = NULL;
	/* SQLite's own would be 0644; -wal and -shm take the mode of this one */
	CLEANUP(cleanup_close)
	int fd = open(path, O_RDWR | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0600);
	char sql[128];

	if (fd < 0) {
		int r = -errno;

		snprintf(error->text, sizeof(error->text), "%s", strerror(errno));
		return r;
	}
	close(steal_fd(&fd)); /* not later: it would drop SQLite's locks */
	int r = open_file(path, SQLITE_OPEN_READWRITE, &db, error);

	snprintf(sql, sizeof(sql), "PRAGMA cell_size_check=ON; PRAGMA journal_size_limit=%d",
		 WAL_KEPT_MAX);
	if (r == 0)
		r = exec(db, sql, error);
	if (r == 0)
		r = migrate(db, error);
	if (r == 0)
		r = prepare(db, error);
	if (r == 0)
		r = find_last_ids(db, error);
	if (r == 0)
		settle_log(db);
	if (r == 0)
		*ret_db = steal_ptr(&db);
	return r;
}

/* "file:PATH?immutable=1", which needs no -shm beside it (https://sqlite.org/uri.html). */
static void make_immutable_uri(const char *path, char uri[static 3 * PATH_MAX])
{
	size_t n = (size_t)sprintf(uri, "file:");

	for (; *path && n < 3 * PATH_MAX - 32; path++) {
		if (strchr("?#%", *path))
			n += (size_t)sprintf(uri + n, "%%%02x", (unsigned char)*path);
		else
			uri[n++] = *path;
	}
	sprintf(uri + n, "?immutable=1");
}

static int check_version(struct store_db *db, struct store_error *error)
{
	sqlite3_int64 version;
	int r = query_number(db, "PRAGMA user_version", &version, error);

	if (r < 0 || version == SCHEMA_VERSION)
		return r;
	snprintf(error->text, sizeof(error->text), "it is of version %d, not %d", (int)(int)version,
		 SCHEMA_VERSION);
	return -ENOTSUP;
}

int store_db_open_readonly(const char *path, struct store_db **ret_db, struct store_error *error)
{
	CLEANUP(close_db) struct store_db *db = NULL, *immutable = NULL;
	char uri[3 * PATH_MAX], wal[PATH_MAX];
	int r = open_file(path, SQLITE_OPEN_READONLY, &db, error);

	if (r == 0)
		r = check_version(db, error);
	if (r == 0) {
		*ret_db = steal_ptr(&db);
		return 0;
	}
	/* with a log beside it, half of what was written is there: no */
	struct stat st;

	if (snprintf(wal, sizeof(wal), "%s-wal", path) >= PATH_MAX ||
	    (stat(wal, &st) == 0 && st.st_size > 0))
		return r;
	make_immutable_uri(path, uri);
	r = open_file(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &immutable, error);
	if (r == 0)
		r = check_version(immutable, error);
	if (r == 0)
		*ret_db = steal_ptr(&immutable);
	return r;
}

void store_db_close(struct store_db *db)
{
	if (!db)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(db->statements[i]);
	if (db->damaged) /* it is left as it is */
		sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(db->sqlite);
	free(db);
}

/* Structure of the tables that are loaded; those that only grow are not read whole at each start. */
static int check_table(struct store_db *db, const char *sql, struct store_error *error)
{
	CLEANUP(finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return if_foreign(db, fail(db, code, error));
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
	const struct column *columns;
	size_t count;
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
	CLEANUP(finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, loading->sql, -1, &statement, NULL);

	if (code != SQLITE_OK)
		return if_foreign(db, fail(db, code, error));
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		union any_row row;

		memset(&row, 0, sizeof(row));
		if (read_row(statement, loading->columns, loading->count, &row))
			loading->take(loader, &row);
		else if (++*skipped <= SKIPPED_LOGGED_MAX)
			log_warning("store: a row of the table %s cannot be read and is skipped",
				    loading->name);
	}
	return code == SQLITE_DONE ? 0 : fail(db, code, error);
}

static int load_clock(struct store_db *db, struct store_clock *ret_clock, struct store_error *error)
{
	CLEANUP(finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->sqlite, "SELECT boot_id, boot_ms, unix FROM clock", -1,
				      &statement, NULL);
	struct store_clock clock = {0};

	if (code != SQLITE_OK)
		return if_foreign(db, fail(db, code, error));
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW && read_row(statement, clock_columns, LENGTH(clock_columns), &clock))
		*ret_clock = clock;
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : fail(db, code, error);
}

int store_db_load(struct store_db *db, const struct store_loader *loader,
		  struct store_clock *ret_clock, uint64_t *ret_skipped, struct store_error *error)
{
	static const struct loading tables[] = {
		{"sessions", "SELECT " SESSION_COLUMNS " FROM sessions", session_columns,
		 LENGTH(session_columns), take_session},
		{"lists", "SELECT " ENTRY_COLUMNS " FROM lists", entry_columns,
		 LENGTH(entry_columns), take_entry},
	};
	struct store_clock clock = {0};
	uint64_t skipped = 0;
	int r = check_table(db, "PRAGMA quick_check(sessions)", error);

	if (r == 0)
		r = check_table(db, "PRAGMA quick_check(lists)", error);
	/* the first error is what counts; what can be read is wanted all the same */
	for (size_t i = 0; i < LENGTH(tables); i++) {
		struct store_error other = {""};
		int err = load_table(db, &tables[i], loader, &skipped, r < 0 ? &other : error);

		r = r < 0 ? r : err;
	}
	if (r == 0)
		r = load_clock(db, &clock, error);
	*ret_clock = clock;
	*ret_skipped = skipped;
	return r;
}

static int write_row(struct store_db *db, const struct pending_row *row, struct store_error *error)
{
	static const struct {
		enum statement statement;
		const struct column *columns;
		size_t count;
	} ops[][3] = {
		[TABLE_SESSIONS] =
			{
				[PENDING_PUT] = {PUT_SESSION, session_columns,
						 LENGTH(session_columns)},
				[PENDING_USAGE] = {UPDATE_USAGE, usage_columns,
						   LENGTH(usage_columns)},
				[PENDING_REMOVE] = {REMOVE_SESSION, session_columns, 2},
			},
		[TABLE_LISTS] =
			{
				[PENDING_PUT] = {PUT_ENTRY, entry_columns, LENGTH(entry_columns)},
				[PENDING_REMOVE] = {REMOVE_ENTRY, entry_columns, 3},
			},
	};
	const void *what = row->key.table == TABLE_SESSIONS ? (const void *)&row->session
							    : (const void *)&row->entry;

	return run_row(db, ops[row->key.table][row->op].statement,
		       ops[row->key.table][row->op].columns, ops[row->key.table][row->op].count,
		       what, error);
}

static int write_audit(struct store_db *db, const struct store_audit *audit,
		       struct store_error *error)
{
	sqlite3_stmt *statement = db->statements[ADD_AUDIT];
	const int next = LENGTH(audit_columns) + 1;
	char text[MAC_TEXT_MAX];

	if (audit->uid >= 0)
		sqlite3_bind_int64(statement, next, audit->uid);
	if (audit->has_mac)
		sqlite3_bind_text(statement, next + 1, mac_format(&audit->mac, text), -1,
				  SQLITE_TRANSIENT);
	return run_row(db, ADD_AUDIT, audit_columns, LENGTH(audit_columns), audit, error);
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
	return run_row(db, ADD_ENDED, ended_columns, LENGTH(ended_columns), &log->ended, error);
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
	return r < 0 ? r
		     : run_row(db, PUT_CLOCK, clock_columns, LENGTH(clock_columns), &clock, error);
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
	int r = run(db, BEGIN, error);

	if (r == 0)
		r = write_all(db, pending, error);
	if (r == 0)
		r = run(db, COMMIT, error);
	return r < 0 ? roll_back(db, r) : 0;
}

int store_db_trim(struct store_db *db, uint64_t ended_before, uint64_t audit_before,
		  struct store_error *error)
{
	sqlite3_bind_int64(db->statements[TRIM_ENDED], 1, (sqlite3_int64)ended_before);
	int r = run(db, TRIM_ENDED, error);

	if (r < 0)
		return r;
	sqlite3_bind_int64(db->statements[TRIM_AUDIT], 1, (sqlite3_int64)audit_before);
	return run(db, TRIM_AUDIT, error);
}

int store_db_lose_sessions(struct store_db *db, struct store_error *error)
{
	int r = run(db, BEGIN, error);

	if (r == 0)
		r = run(db, LOSE_SESSIONS, error);
	if (r == 0)
		r = run(db, REMOVE_SESSIONS, error);
	if (r == 0)
		r = run(db, COMMIT, error);
	return r < 0 ? roll_back(db, r) : 0;
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
		if (read_row(statement, ended_columns, LENGTH(ended_columns), &ret_rows[count]))
			count++;
	}
	int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : fail(db, code, error);

	sqlite3_reset(statement);
	*ret_count = count;
	return r;
}
