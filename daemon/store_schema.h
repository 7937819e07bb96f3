/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in the database: its tables, by version, and the statements that are prepared. */
#pragma once

#include "daemon/store_sql.h"

/* Since these versions sessions, and the clock, have those columns. */
enum { SCHEMA_BOOTED = 3, SCHEMA_LENGTH = 4, SCHEMA_SYNCHRONISED = 5 };

/* Brings the file up to our version; -ENOTSUP: it is of a newer one, and left as it is. */
int store_schema_migrate(struct store_db *db, struct store_error *error);
/* For reading alone; -ENOTSUP: it is of a version whose tables we do not know. */
int store_schema_check(struct store_db *db, struct store_error *error);
int store_schema_prepare(struct store_db *db, struct store_error *error);
