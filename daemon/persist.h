/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's sessions in the store, and back at start, when what the kernel has is known already.
 *
 * Time that passed without us counts by the wall clock, if it was not behind the last entry's when
 * we started; else (no real-time clock, and no time from the network yet) the rest of a session is
 * what it was, until the clock is set: then the time in between is taken off.  So it is with one that
 * was synchronised once and is not yet again when we start after a reboot: it may have been saved meanwhile.
 * Once it is synchronised without being set, it was right.
 */
#pragma once

#include "daemon/engine.h"

/* Opens the database in state-dir and begins to read it; -ENOMEM, -EAGAIN. */
int persist_open(struct engine *e);
/* Waits for what is under way, for a named time at most. */
void persist_close(struct engine *e);

/* Once the kernel's sessions are in the table: adds those of the store, which the kernel lacks yet.
 * loaded() comes in a later turn, when all are there, unless the engine has failed. */
typedef void persist_loaded_fn(struct engine *e);
void persist_load(struct engine *e, persist_loaded_fn *loaded);

/* done(data): the session is on disk, or the disk fails and it is in memory. */
typedef void persist_done_fn(void *data);
void persist_put(struct engine *e, const struct session *s, persist_done_fn *done, void *data);
/* To the history; why: an event's name.  By whom: "guest", "portalctl", "portald". */
void persist_end(struct engine *e, const struct session *s, const char *why, persist_done_fn *done,
		 void *data);
/* What sessions have used; soon on disk. */
void persist_usage(struct engine *e, uint32_t zone, const struct mac *macs, size_t count);
/* From time to time: has the clock been set, or synchronised?  Then what passed while the machine was off is
 * taken off the sessions, a few in each turn of the loop, in the table and the store at once, in the kernel after that. */
void persist_check_clock(struct engine *e);
/* The same of one session that has just been changed, or was to be: those that the gate was asked for are left
 * out until it has answered. */
void persist_settle(struct engine *e, struct session *s);

/* Who did what to a session, for the audit log.  event: its name in common/control.h. */
struct actor;
void persist_audit(struct engine *e, const struct actor *by, const char *event,
		   const struct session *s);

struct store *persist_store(const struct engine *e);

/* What is wrong with the store, or NULL. */
const char *persist_trouble(const struct engine *e);
