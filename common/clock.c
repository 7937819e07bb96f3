/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/timex.h>
#include <time.h>

#include "common/clock.h"

/* The kernel's NTP_PHASE_LIMIT: what it says of a clock that was set, or that nobody has kept for hours.  Not
 * STA_UNSYNC, which a daemon may leave there to keep the kernel from writing the real-time clock. */
enum { UNKNOWN_ERROR_US = 16000000 };

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

bool clock_is_synchronised(void)
{
	struct timex tx = {.modes = 0};

	return adjtimex(&tx) >= 0 && tx.maxerror < UNKNOWN_ERROR_US;
}
