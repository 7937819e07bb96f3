/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the runs of portald ended, counted over restarts: a file in the state folder says that one runs,
 * or by what it ended.  One that still says so at the next start ended without a word.
 */
#pragma once

#include <stdint.h>

enum run_end {
	RUN_STOP,    /* it was asked to */
	RUN_REBOOT,  /* the machine went down under it */
	RUN_PORTALD, /* the engine crashed, was killed, or gave up */
	RUN_GATE,    /* a process died, and all of them with it */
	RUN_WEB,
	RUN_ENDS
};

struct runs {
	uint64_t ended[RUN_ENDS];
};

/* "stop", "reboot", "portald", "portald-gate", "portald-web" */
const char *run_end_name(enum run_end end);

/* What the file's text says, and whether this boot goes on; "" or nonsense: no run was ever there.
 * Pure. */
void runs_parse(const char *text, const char *boot_id, struct runs *ret_runs);

/* Counts the end of the run before, and says that one runs.  Negative errno: the next start will not
 * know. */
int runs_begin(const char *state_dir, struct runs *ret_runs);
int runs_end(const char *state_dir, const struct runs *runs, enum run_end end);
