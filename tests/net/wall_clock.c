/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into portald, not into what it starts, by tests: a wall clock that they can set.
 *
 * The file $WALL_CLOCK holds the milliseconds by which it differs from the machine's (int64_t), shared
 * with the test, and after it another int64_t: not 0 if the clock is synchronised.  The fifo $WALL_CLOCK.set stands for the timer that is cancelled when the clock is set
 * (timerfd_create(2)): 8 bytes are an expiry.
 *
 * Libraries ask for the time before our constructor has run, so nothing here needs it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const int64_t none[2];
static const volatile int64_t *differs = none, *synchronised = none + 1;
static int set_fd = -1;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("WALL_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	unsetenv("LD_PRELOAD");
	if (fd < 0)
		return;
	void *map = mmap(NULL, sizeof(none), PROT_READ, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED) {
		differs = map;
		synchronised = differs + 1;
	}
	close(fd);
}

EXPORT int clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && id == CLOCK_REALTIME) {
		const int64_t ms = *differs + ts->tv_nsec / 1000000;
		const int64_t part = (ms % 1000 + 1000) % 1000;

		ts->tv_sec += (ms - part) / 1000;
		ts->tv_nsec = part * 1000000 + ts->tv_nsec % 1000000;
	}
	return r;
}

EXPORT int adjtimex(struct timex *tx)
{
	*tx = (struct timex){.maxerror = *synchronised ? 1000 : 16000000 /* as after a boot */};
	return *synchronised ? TIME_OK : TIME_ERROR;
}

EXPORT time_t time(time_t *ret_time)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret_time)
		*ret_time = ts.tv_sec;
	return ts.tv_sec;
}

EXPORT int timerfd_create(int id, int flags)
{
	char path[4096];

	if (id != CLOCK_REALTIME || !getenv("WALL_CLOCK"))
		return (int)syscall(SYS_timerfd_create, id, flags);
	snprintf(path, sizeof(path), "%s.set", getenv("WALL_CLOCK"));
	return set_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *value,
			   struct itimerspec *old)
{
	return fd == set_fd ? 0 : (int)syscall(SYS_timerfd_settime, fd, flags, value, old);
}
