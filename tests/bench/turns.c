/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into portald, not into what it starts, by the benchmark: how long a turn of the event
 * loop takes, from the return of epoll_wait() to the next call of it, which is how long somebody
 * may have to wait before the loop comes round.  Also the most that one had of a processor: the rest is
 * waiting, for a processor that others use or for a file.
 *
 * The file $LOOP_TURNS holds struct turns, shared with the benchmark, which may set it to zero.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct turns {
	uint64_t count, sum_ns, longest_ns, busiest_ns;
};

static struct turns none;
static volatile struct turns *turns = &none;
static int (*real_wait)(int fd, struct epoll_event *events, int max, int timeout);
static uint64_t began_ns; /* this turn; 0: there was none */
static uint64_t began_cpu_ns;
static pid_t thread; /* that the loop runs in; 0: nobody has waited yet */

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("LOOP_TURNS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	unsetenv("LD_PRELOAD");
	if (fd < 0)
		return;
	void *map = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		turns = map;
	close(fd);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void end_turn(void)
{
	const uint64_t ns = now_ns(CLOCK_MONOTONIC) - began_ns;
	const uint64_t busy_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - began_cpu_ns;

	turns->count++;
	turns->sum_ns += ns;
	if (ns > turns->longest_ns)
		turns->longest_ns = ns;
	if (busy_ns > turns->busiest_ns)
		turns->busiest_ns = busy_ns;
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	if (!real_wait)
		real_wait = (__typeof__(real_wait))(uintptr_t)dlsym(RTLD_NEXT, "epoll_wait");
	if (thread == 0)
		thread = gettid();
	if (thread != gettid())
		return real_wait(fd, events, max, timeout);
	if (began_ns)
		end_turn();
	int n = real_wait(fd, events, max, timeout);

	began_ns = now_ns(CLOCK_MONOTONIC);
	began_cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	return n;
}
