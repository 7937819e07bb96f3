/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MACs from the command line or from a file, sent in batches of which the gateway makes one
 * transaction each.  A MAC that cannot be is told and left out; the others are done.
 */
#pragma once

#include "common/control.h"
#include "ctl/ctl.h"

enum { BATCH_MAX = CONTROL_MACS_MAX };

struct batch {
	struct ctl *ctl;
	const char *verb;
	enum status (*take)(struct batch *b, json_t *answer);
	const char *file; /* its name for messages, or NULL */
	bool progress, flushed;
	/* the batch under construction */
	json_t *macs;
	unsigned long lines[BATCH_MAX];
	/* so far; granted: or changed, revoked, blocked... */
	uint64_t granted, replaced;
	json_t *refused, *unknown;
};

/* Sends the MACs of --file and of the arguments.  Ends with the first status that is not
 * STATUS_DONE; what was done before is done. */
enum status batch_run(struct batch *b);
/* One request with the options of the command line added; takes it over. */
enum status batch_send(struct batch *b, json_t *request);

/* For `take`.  Tells that a MAC is not done, and why. */
enum status batch_refuse(struct batch *b, const char *mac, unsigned long line, const char *why);
/* Where the file named a MAC of the batch that was sent last; 0: nowhere. */
unsigned long batch_line_of(const struct batch *b, const char *mac);
enum status batch_take_refused(struct batch *b, json_t *refused);
enum status batch_take_unknown(struct batch *b, json_t *unknown);
