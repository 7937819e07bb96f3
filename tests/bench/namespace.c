// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/1/ns/net may be closed even to root (a sandbox), so there is a second sign: some settings
 * of net.core are the kernel's own, and only its first namespace shows them (net/core/sysctl_net_core.c,
 * net_core_table).
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/namespace.h"

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool namespace_is_made(void)
{
	struct stat mine, first;

	if (stat("/proc/self/ns/net", &mine) < 0)
		return false;
	if (stat("/proc/1/ns/net", &first) == 0 && mine.st_dev == first.st_dev &&
	    mine.st_ino == first.st_ino)
		return false;
	return exists("/proc/sys/net/core/somaxconn") &&
	       !exists("/proc/sys/net/core/netdev_max_backlog");
}
