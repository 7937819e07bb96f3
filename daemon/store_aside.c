/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/store_db.h"

enum { NAME_TRIES = 100 };

/* One more than a second's worth of names, should it come to that. */
static int find_name(const char *path, char ret_name[static PATH_MAX])
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	for (int i = 0; i < NAME_TRIES; i++) {
		char suffix[16] = "";

		if (i > 0)
			snprintf(suffix, sizeof(suffix), "-%d", i);
		if (snprintf(ret_name, PATH_MAX, "%s.corrupt-%s%s", path, stamp, suffix) >=
		    PATH_MAX - 8)
			return -ENAMETOOLONG;
		if (access(ret_name, F_OK) < 0)
			return errno == ENOENT ? 0 : -errno;
	}
	return -EEXIST;
}

static int move(const char *path, const char *name, const char *end)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (snprintf(from, sizeof(from), "%s%s", path, end) >= PATH_MAX ||
	    snprintf(to, sizeof(to), "%s%s", name, end) >= PATH_MAX)
		return -ENAMETOOLONG;
	return rename(from, to) < 0 ? -errno : 0;
}

static int move_all(const char *path, const char *const *ends, size_t count,
		    char ret_name[static PATH_MAX], struct store_error *error)
{
	int r = find_name(path, ret_name);

	for (size_t i = 0; i < count && r == 0; i++) {
		r = move(path, ret_name, ends[i]);
		if (r == -ENOENT)
			r = 0;
	}
	if (r < 0)
		snprintf(error->text, sizeof(error->text), "it cannot be moved aside: %s",
			 strerror(-r));
	return r;
}

int store_db_move_aside(const char *path, struct store_error *error)
{
	/* the log first: a fresh database must not find it */
	static const char *const ends[] = {"-wal", "-shm", ""};
	char name[PATH_MAX];
	int r = move_all(path, ends, 3, name, error);

	if (r == 0)
		log_error("store: the damaged database is now %s; a fresh one takes its place",
			  name);
	return r;
}

int store_db_move_log_aside(const char *path, struct store_error *error)
{
	static const char *const ends[] = {"-wal", "-shm"};
	char name[PATH_MAX];

	return move_all(path, ends, 2, name, error);
}
