/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/runs.h"
#include "daemon/store_clock.h"

enum { RUNS_FILE_MAX = 256, WORD_LEN = 15 }; /* bytes */

#define RUNNING "running"

/* BOOT-ID STATE and the numbers of enum run_end */
#define FORMAT " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64

static const char *const names[RUN_ENDS] = {
	[RUN_STOP] = "stop",	     [RUN_REBOOT] = "reboot",	[RUN_PORTALD] = "portald",
	[RUN_GATE] = "portald-gate", [RUN_WEB] = "portald-web",
};

const char *run_end_name(enum run_end end)
{
	return names[end];
}

void runs_parse(const char *text, const char *boot_id, struct runs *ret_runs)
{
	char boot[BOOT_ID_MAX], state[WORD_LEN + 1];
	struct runs runs;

	*ret_runs = (struct runs){0};
	if (sscanf(text, "%39s %15s" FORMAT, boot, state, &runs.ended[0], &runs.ended[1],
		   &runs.ended[2], &runs.ended[3], &runs.ended[4]) != 2 + RUN_ENDS)
		return;
	for (size_t i = 0; i < RUN_ENDS; i++)
		runs.ended[i] += strcmp(state, names[i]) == 0;
	if (strcmp(state, RUNNING) == 0)
		runs.ended[strcmp(boot, boot_id) == 0 ? RUN_PORTALD : RUN_REBOOT]++;
	*ret_runs = runs;
}

static int make_path(const char *state_dir, const char *suffix, char ret_path[static PATH_MAX])
{
	return snprintf(ret_path, PATH_MAX, "%s/runs%s", state_dir, suffix) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

/* In one piece: a reader finds the old one or the new one. */
static int write_file(const char *state_dir, const struct runs *runs, const char *state)
{
	char path[PATH_MAX], fresh[PATH_MAX], text[RUNS_FILE_MAX];
	struct store_clock clock;
	int r = make_path(state_dir, "", path);

	if (r == 0)
		r = make_path(state_dir, ".new", fresh);
	if (r < 0)
		return r;
	store_clock_now(&clock);
	int len = snprintf(text, sizeof(text), "%s %s", clock.boot_id, state);

	for (size_t i = 0; i < RUN_ENDS; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, " %" PRIu64,
				runs->ended[i]);
	text[len++] = '\n';
	CLEANUP(cleanup_close)
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || write(fd, text, (size_t)len) != len || rename(fresh, path) < 0)
		return errno ? -errno : -ENOSPC;
	return 0;
}

int runs_begin(const char *state_dir, struct runs *ret_runs)
{
	char path[PATH_MAX], text[RUNS_FILE_MAX] = "";
	struct store_clock clock;
	int r = make_path(state_dir, "", path);

	if (r < 0)
		return r;
	CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	store_clock_now(&clock);
	runs_parse(text, clock.boot_id, ret_runs);
	return write_file(state_dir, ret_runs, RUNNING);
}

int runs_end(const char *state_dir, const struct runs *runs, enum run_end end)
{
	return write_file(state_dir, runs, names[end]);
}
