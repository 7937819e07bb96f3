/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of children: any one's is the engine's, and its reason goes to the log. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon/engine_private.h"

/* of 10 ms */
enum { KILLED_TRIES = 50, CHILDREN_TRIES = 200 };

/* Children end by themselves when another one has gone: then that one, if it was killed.  It may
 * still be about to close its sockets. */
static pid_t find_killed(pid_t pid, int *ret_status)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	int status = 0, tries = 0;

	if (waitpid(pid, ret_status, 0) != pid)
		return pid;
	while (!WIFSIGNALED(*ret_status) && tries < KILLED_TRIES) {
		pid_t other = waitpid(-1, &status, WNOHANG);

		if (other < 0)
			break;
		if (other == 0) {
			nanosleep(&pause, NULL);
			tries++;
		} else if (WIFSIGNALED(status)) {
			*ret_status = status;
			return other;
		}
	}
	return pid;
}

static const char *child_name(const struct engine *e, pid_t pid)
{
	return pid == e->gate_pid ? "portald-gate" : "portald-web";
}

/* How a child ended, for the log. */
static void child_lost(struct engine *e, pid_t pid, int error)
{
	const bool gone = error == -EPIPE || error == -ECONNRESET;
	int status = 0;

	if (gone)
		pid = find_killed(pid, &status);
	if (e->status == 0)
		e->ends_by = pid == e->gate_pid ? RUN_GATE : RUN_WEB;
	if (!gone)
		engine_fail(e, "%s (pid %d): %s", child_name(e, pid), (int)pid, strerror(-error));
	else if (WIFSIGNALED(status))
		engine_fail(e, "%s (pid %d) was killed by signal %d (%s)", child_name(e, pid),
			    (int)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		engine_fail(e, "%s (pid %d) ended", child_name(e, pid), (int)pid);
}

void engine_gate_lost(void *data, int error)
{
	struct engine *e = data;

	child_lost(e, e->gate_pid, error);
}

void engine_worker_lost(void *data, int error)
{
	struct worker *w = data;

	child_lost(w->engine, w->pid, error);
}

/* They end when their sockets do; then their ports are free for the next start. */
void engine_wait_for_children(const struct engine *e)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	size_t left = e->worker_count + 1;

	for (int tries = 0; tries < CHILDREN_TRIES && left > 0; tries++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return;
		if (pid > 0)
			left--;
		else
			nanosleep(&pause, NULL);
	}
}
