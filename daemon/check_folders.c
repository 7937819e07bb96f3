/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Can a start make or use state-dir and run-dir (start.c)?  It gives both to their owners with the mode
 * that they need, so what matters is what they are, and the folders on the way to them.
 */
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "daemon/check.h"
#include "daemon/config.h"

struct folder {
	const struct config *config;
	const char *key, *path;
	FILE *out;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct folder *f, const char *fmt, ...)
{
	char place[CONFIG_PLACE_MAX];
	va_list args;

	fprintf(f->out, "%s: ", config_place(f->config, NULL, f->key, place));
	va_start(args, fmt);
	vfprintf(f->out, fmt, args);
	va_end(args);
	fputc('\n', f->out);
}

static bool is_read_only(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* By its mode; an access list may say otherwise. */
static bool may_enter(const struct stat *st, const struct account *account)
{
	if (st->st_uid == account->uid)
		return st->st_mode & S_IXUSR;
	return st->st_mode & (st->st_gid == account->gid ? S_IXGRP : S_IXOTH);
}

static bool is_writable_by_others(const struct stat *st)
{
	if (st->st_uid != 0)
		return true;
	return !(st->st_mode & S_ISVTX) &&
	       (st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && st->st_gid != 0));
}

/* Warnings.  user: who must get into it, or NULL */
static void check_way(const struct folder *f, const char *user, const struct account *account)
{
	char copy[PATH_MAX];
	const char *up = copy;
	bool entered = false, written = false;
	struct stat st;

	snprintf(copy, sizeof(copy), "%s", f->path);
	do {
		up = dirname((char *)(uintptr_t)up);
		if (stat(up, &st) < 0)
			return;
		if (user && !entered && !may_enter(&st, account)) {
			tell(f, "user %s may not enter %s; chmod o+x it, or choose another place",
			     user, up);
			entered = true;
		}
		if (!written && is_writable_by_others(&st)) {
			tell(f,
			     "others than root may write to %s and so replace what is in it; chown "
			     "it to root and chmod go-w it, or choose another place",
			     up);
			written = true;
		}
	} while (strcmp(up, "/") != 0 && strcmp(up, ".") != 0);
}

/* A start makes it, but not the folder around it. */
static int check_parent(const struct folder *f)
{
	char copy[PATH_MAX];
	struct stat st;

	snprintf(copy, sizeof(copy), "%s", f->path);
	const char *parent = dirname(copy);

	if (stat(parent, &st) < 0) {
		tell(f, "it cannot be made in %s: %s; make that folder first", parent,
		     strerror(errno));
		return -ENOENT;
	}
	if (is_read_only(parent)) {
		tell(f,
		     "it cannot be made in %s, which is read-only; choose another place, or make "
		     "that writable (in a systemd unit: ReadWritePaths=)",
		     parent);
		return -EROFS;
	}
	return 0;
}

static int check_folder(const struct folder *f)
{
	struct stat st;

	if (lstat(f->path, &st) < 0) {
		if (errno == ENOENT)
			return check_parent(f);
		if (errno == EACCES && geteuid() != 0) {
			tell(f, "%s cannot be looked at by this user; run portald -n as root",
			     f->path);
			return 0;
		}
		const int error = errno;

		tell(f, "%s: %s; choose another place", f->path, strerror(error));
		return -error;
	}
	if (S_ISDIR(st.st_mode))
		return 0;
	tell(f, "%s is no folder%s; name one, or one that is not there yet", f->path,
	     S_ISLNK(st.st_mode) ? " but a symbolic link" : "");
	return -ENOTDIR;
}

int check_folders(const struct config *c, const struct account *engine, FILE *out)
{
	const struct folder state = {c, "state-dir", c->state_dir, out},
			    run = {c, "run-dir", c->run_dir, out};
	int r = check_folder(&state), of_run = check_folder(&run);

	check_way(&state, engine ? c->user : NULL, engine);
	check_way(&run, NULL, NULL);
	if (is_read_only(c->state_dir)) /* portald runs without */
		tell(&state,
		     "%s is read-only, so nothing would be kept; make it writable (in a "
		     "systemd unit: ReadWritePaths=)",
		     c->state_dir);
	if (is_read_only(c->run_dir)) {
		tell(&run, "%s is read-only; choose another place", c->run_dir);
		of_run = -EROFS;
	}
	return r < 0 ? r : of_run;
}
