/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "common/clock.h"

static uint64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t now_boot_ms(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

uint64_t now_unix(void)
{
	return (uint64_t)time(NULL);
}

uint64_t now_unix_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}
