/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left to do for a guest that is out: its conntrack entries go.  Its addresses are those
 * that the neighbour table has for its MAC now, and those that it logged in from unless they are
 * another guest's by now.  Guests that go at about the same time share one dump of each table.
 */
#pragma once

#include "daemon/engine.h"

typedef void forget_done_fn(void *data);

int forget_create(struct engine *e);
void forget_destroy(struct engine *e);

/* Remembers a guest whose elements are gone from the sets. */
void forget_add(struct engine *e, const struct session *session);

/* Soon deletes the entries of all guests that were added; done (may be NULL) is called afterwards,
 * always. */
void forget_then(struct engine *e, forget_done_fn *done, void *data);
