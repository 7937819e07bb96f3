/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A database file as it may be found at start: what is read from it could have been written by us, and it is opened, read and
 * written, or found damaged, without more. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/store_db.h"

enum { PAGE = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char folder[] = "/tmp/fuzz-store-XXXXXX";
static char path[64];

static void remove_files(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[80];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

static void remove_folder(void)
{
	remove_files();
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/portald.db", folder);
	log_set_level(LOG_LEVEL_ERROR);
	return atexit(remove_folder);
}

static void take_session(void *data, const struct store_session *session)
{
	if (!store_session_is_valid(session))
		abort();
	(void)data;
}

static void take_entry(void *data, const struct store_entry *entry)
{
	if (!store_entry_is_valid(entry))
		abort();
	(void)data;
}

static void read_history(struct store_db *db)
{
	struct store_ended rows[PAGE];
	struct store_error error;
	size_t count = 0;

	if (store_db_history(db, 0, 0, PAGE, rows, &count, &error) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!store_session_is_valid(&rows[i].session) ||
		    strnlen(rows[i].why, STORE_WORD_MAX) == STORE_WORD_MAX)
			abort();
	}
}

static void write_something(struct store_db *db)
{
	const struct store_ended ended = {
		.session = {.zone = "guest", .mac = {{2, 0, 0x5e, 0x10, 0, 1}}}, .why = "fuzz"};
	struct pending pending = {0};
	struct store_error error;

	if (pending_session(&pending, PENDING_PUT, &ended.session) < 0 ||
	    pending_ended(&pending, &ended) < 0)
		abort();
	store_db_write(db, &pending, &error);
	store_db_trim(db, UINT32_MAX, UINT32_MAX, &error);
	pending_finish(&pending);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct store_loader loader = {take_session, take_entry, NULL};
	struct store_db *db = NULL;
	struct store_error error;
	struct store_clock clock;
	uint64_t skipped;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	if (store_db_open_readonly(path, &db, &error) == 0)
		store_db_load(db, &loader, &clock, &skipped, &error);
	store_db_close(db);
	db = NULL;
	if (store_db_open(path, &db, &error) == 0) {
		store_db_load(db, &loader, &clock, &skipped, &error);
		if (strnlen(clock.boot_id, BOOT_ID_MAX) == BOOT_ID_MAX)
			abort();
		read_history(db);
		write_something(db);
	}
	store_db_close(db);
	remove_files();
	return 0;
}
