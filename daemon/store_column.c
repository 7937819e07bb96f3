/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <string.h>

#include "common/text.h"
#include "daemon/store_column.h"

#define SECONDS_MAX	 (UINT64_C(1) << 40)
#define MILLISECONDS_MAX (UINT64_C(1) << 50)
#define COUNTER_MAX	 ((uint64_t)INT64_MAX)

#define SESSION(field)	offsetof(struct store_session, field)
#define ENDED(field)	offsetof(struct store_ended, field)
#define ENTRY(field)	offsetof(struct store_entry, field)
#define AUDIT(field)	offsetof(struct store_audit, field)
#define LENGTH(columns) (sizeof(columns) / sizeof((columns)[0]))

static const struct column session_table[] = {
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
	{COLUMN_NUMBER, SESSION(booted_ms), MILLISECONDS_MAX},
	{COLUMN_NUMBER, SESSION(length_ms), MILLISECONDS_MAX},
};

static const struct column usage_table[] = {
	{COLUMN_NAME, SESSION(zone), ZONE_NAME_MAX},
	{COLUMN_MAC, SESSION(mac), 0},
	{COLUMN_NUMBER, SESSION(left_ms), MILLISECONDS_MAX},
	{COLUMN_NUMBER, SESSION(packets_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(packets_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(bytes_up), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(bytes_down), COUNTER_MAX},
	{COLUMN_NUMBER, SESSION(last_active_unix), SECONDS_MAX},
};

static const struct column entry_table[] = {
	{COLUMN_CHOICE, ENTRY(list), STORE_BLOCK + 1},
	{COLUMN_TEXT, ENTRY(zone), ZONE_NAME_MAX},
	{COLUMN_MAC, ENTRY(mac), 0},
	{COLUMN_TEXT, ENTRY(note), NOTE_MAX},
	{COLUMN_NUMBER, ENTRY(added_unix), SECONDS_MAX},
};

static const struct column ended_table[] = {
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
	{COLUMN_NUMBER, ENDED(used_ms), MILLISECONDS_MAX},
	{COLUMN_NUMBER, ENDED(id), COUNTER_MAX},
};

static const struct column audit_table[] = {
	{COLUMN_NUMBER, AUDIT(id), COUNTER_MAX},   {COLUMN_NUMBER, AUDIT(unix_s), SECONDS_MAX},
	{COLUMN_TEXT, AUDIT(who), STORE_WORD_MAX}, {COLUMN_TEXT, AUDIT(action), STORE_WORD_MAX},
	{COLUMN_TEXT, AUDIT(zone), ZONE_NAME_MAX}, {COLUMN_TEXT, AUDIT(detail), STORE_DETAIL_MAX},
};

static const struct column clock_table[] = {
	{COLUMN_TEXT, offsetof(struct store_clock, boot_id), BOOT_ID_MAX},
	{COLUMN_NUMBER, offsetof(struct store_clock, boot_ms), MILLISECONDS_MAX},
	{COLUMN_NUMBER, offsetof(struct store_clock, unix_s), SECONDS_MAX},
	{COLUMN_NUMBER, offsetof(struct store_clock, synchronised), 1},
};

const struct columns session_columns = {session_table, LENGTH(session_table)};
const struct columns usage_columns = {usage_table, LENGTH(usage_table)};
const struct columns entry_columns = {entry_table, LENGTH(entry_table)};
const struct columns ended_columns = {ended_table, LENGTH(ended_table)};
const struct columns audit_columns = {audit_table, LENGTH(audit_table)};
const struct columns clock_columns = {clock_table, LENGTH(clock_table)};
const struct columns session_key = {session_table, 2}, entry_key = {entry_table, 3};

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

void store_column_bind(sqlite3_stmt *statement, const struct columns *columns, const void *row)
{
	for (size_t i = 0; i < columns->count; i++)
		bind_column(statement, (int)i + 1, &columns->all[i], row);
}

int store_column_run(struct store_db *db, enum statement which, const struct columns *columns,
		     const void *row, struct store_error *error)
{
	store_column_bind(db->statements[which], columns, row);
	return store_sql_run(db, which, error);
}

bool store_column_read(sqlite3_stmt *statement, const struct columns *columns, void *row)
{
	for (size_t i = 0; i < columns->count; i++) {
		if (!read_column(statement, (int)i, &columns->all[i], row))
			return false;
	}
	return true;
}
