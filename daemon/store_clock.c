/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/store_clock.h"

void store_clock_now(struct store_clock *ret_clock)
{
	CLEANUP(cleanup_close)
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	const uint64_t boot_ms = now_boot_ms(), unix_ms = now_unix_ms(), past_ms = unix_ms % 1000;
	struct store_clock clock = {.boot_ms = boot_ms > past_ms ? boot_ms - past_ms : 0,
				    .unix_s = unix_ms / 1000,
				    .synchronised = clock_is_synchronised()};
	ssize_t n = fd >= 0 ? read(fd, clock.boot_id, sizeof(clock.boot_id) - 1) : -1;

	clock.boot_id[n > 0 ? n : 0] = '\0';
	clock.boot_id[strcspn(clock.boot_id, "\n")] = '\0';
	*ret_clock = clock;
}
