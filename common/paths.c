/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "build-config.h"
#include "common/paths.h"

static int find_part(const char *name, const char *installed, char ret_path[static PATH_MAX])
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	if (n > 0 && n < (ssize_t)sizeof(path)) {
		path[n] = '\0';
		*strrchr(path, '/') = '\0';
		if (snprintf(ret_path, PATH_MAX, "%s/%s", path, name) < PATH_MAX &&
		    access(ret_path, R_OK) == 0)
			return 0;
	}
	if (snprintf(ret_path, PATH_MAX, "%s/%s", installed, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	return access(ret_path, R_OK) == 0 ? 0 : -errno;
}

int find_program(const char *name, char ret_path[static PATH_MAX])
{
	return find_part(name, PORTALD_LIBEXECDIR, ret_path);
}

int find_data(const char *name, char ret_path[static PATH_MAX])
{
	return find_part(name, PORTALD_DATADIR, ret_path);
}
