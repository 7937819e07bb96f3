/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody flushed the ruleset, or deleted our tables, or rules in them.  First the zones are
 * closed, by the guard's prebuilt transaction; then the ruleset is loaded; then the engine puts its
 * members back, and says when all are there.  While they are not, what a guest sends elsewhere is lost, as on
 * a bad link, and its connections live on: refused, they would be reset.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "nft/gate.h"
#include "nft/load.h"

enum { RESTORE_TRIES = 20 }; /* somebody may flush it again meanwhile */

static int restore_once(struct gate *gate, char error[static ERROR_TEXT_MAX])
{
	error[0] = '\0';
	watch_forget(&gate->flushes);
	int r = guard_put(&gate->guard, GUARD_CLOSED);

	if (r == 0)
		r = gate_load(gate, error);
	if (r == 0)
		r = watch_take(&gate->flushes) != 0 ? -EAGAIN : 0;
	return r;
}

static unsigned long microseconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long)((now.tv_sec - start->tv_sec) * 1000000L +
			       (now.tv_nsec - start->tv_nsec) / 1000);
}

int gate_restore(struct gate *gate)
{
	char error[ERROR_TEXT_MAX];
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	gate->closed = true;
	int r = restore_once(gate, error);

	for (int tries = 1; tries < RESTORE_TRIES && r < 0; tries++)
		r = restore_once(gate, error);
	if (r < 0) {
		log_error("%s removed rules of portald, and they cannot be loaded again: %s",
			  gate->flushes.by, error[0] ? error : strerror(-r));
		return r;
	}
	log_warning("%s removed rules of portald (flush ruleset?); loaded again in %lu us",
		    gate->flushes.by, microseconds_since(&start));
	r = msg_send(gate->engine,
		     &(struct gate_flushed){{MSG_GATE_FLUSHED, 0}, ++gate->round, 0}.head, -1);
	if (r == 0)
		r = gate_follow_links(gate);
	return r < 0 ? r : 1;
}

int gate_check_tables(struct gate *gate)
{
	int r = watch_take(&gate->flushes);

	return r > 0 && gate->loaded ? gate_restore(gate) : r < 0 ? r : 0;
}

int gate_open(struct gate *gate, uint32_t round)
{
	if (round != gate->round || !gate->closed)
		return 0;
	gate->closed = false;
	int r = guard_put(&gate->guard, GUARD_OPEN);

	if (r == 0)
		r = watch_remember_guard(&gate->flushes);
	return r == -ENOENT ? gate_restore(gate) : r;
}
