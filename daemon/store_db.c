/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening and closing.
 *
 * WAL with synchronous=FULL: a commit is one fdatasync() of the log, and it is on the disk when it
 * returns.  The file may have been damaged or edited by hand: views and triggers are off, and every
 * value is checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/store_schema.h"

enum {
	BUSY_MS = 2000, /* somebody looks at it with another program */
	WAL_KEPT_MAX = 4 * 1024 * 1024,
	VALUE_MAX = 64 * 1024, /* bytes of one row */
};

static void close_db(struct store_db **db)
{
	store_db_close(*db);
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

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		sqlite3_int64 id;
		int r = store_sql_number(db, queries[i], &id, error);

		if (r < 0)
			return store_sql_if_foreign(db, r);
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
		int r = store_sql_fail(db, code, error);

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
		r = store_sql_exec(db, sql, error);
	if (r == 0)
		r = store_schema_migrate(db, error);
	if (r == 0)
		r = store_schema_prepare(db, error);
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

int store_db_open_readonly(const char *path, struct store_db **ret_db, struct store_error *error)
{
	CLEANUP(close_db) struct store_db *db = NULL, *immutable = NULL;
	char uri[3 * PATH_MAX], wal[PATH_MAX];
	int r = open_file(path, SQLITE_OPEN_READONLY, &db, error);

	if (r == 0)
		r = store_schema_check(db, error);
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
		r = store_schema_check(immutable, error);
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
