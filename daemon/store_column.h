/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a struct becomes a row, and a row a struct.  Tables of columns say where in a struct a value is
 * and what it may be; they serve both ways, so that what was written can be read.
 */
#pragma once

#include <stdbool.h>

#include "daemon/store_sql.h"

/* In SQL, in the order of the tables of columns. */
#define SESSION_COLUMNS_2                                                                          \
	"zone, mac, how, note, started, ends, left_ms, idle, quota_up, quota_down, quota_total,"   \
	" rate_up, rate_down, packets_up, packets_down, bytes_up, bytes_down, last_active"
#define SESSION_COLUMNS_3 SESSION_COLUMNS_2 ", booted"
#define SESSION_COLUMNS	  SESSION_COLUMNS_3 ", length_ms"
#define CLOCK_COLUMNS_4	  "boot_id, boot_ms, unix"
#define CLOCK_COLUMNS	  CLOCK_COLUMNS_4 ", synchronised"
#define ENTRY_COLUMNS	  "list, zone, mac, note, added"
#define ENDED_COLUMNS                                                                                \
	"zone, mac, how, note, started, packets_up, packets_down, bytes_up, bytes_down, ended, why," \
	" used_ms"

enum column_type {
	COLUMN_TEXT,   /* char[limit], with its NUL */
	COLUMN_NAME,   /* the same, not empty */
	COLUMN_MAC,    /* struct mac */
	COLUMN_CHOICE, /* an enum below limit */
	COLUMN_NUMBER, /* uint64_t up to limit */
};

/* One value of a row. */
struct column {
	enum column_type type;
	size_t offset;
	uint64_t limit;
};

struct columns {
	const struct column *all;
	size_t count;
};

/* The first two of sessions, and the first three of entries, are their keys. */
extern const struct columns session_columns, usage_columns, entry_columns, ended_columns,
	audit_columns, clock_columns;
extern const struct columns session_key, entry_key;

/* row: the struct that the columns are of.  What is bound stays the row's until the statement ran. */
void store_column_bind(sqlite3_stmt *statement, const struct columns *columns, const void *row);
/* Binds a row and runs the statement. */
int store_column_run(struct store_db *db, enum statement which, const struct columns *columns,
		     const void *row, struct store_error *error);
/* False: a value is none that we write. */
bool store_column_read(sqlite3_stmt *statement, const struct columns *columns, void *row);
