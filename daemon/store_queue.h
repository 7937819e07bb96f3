/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for the store's thread: for a page of history, or for a batch to be on the disk. */
#pragma once

#include "daemon/store.h"

/* A page of history that is asked for, then answered. */
struct store_query {
	struct store_query *next;
	uint64_t since_unix, after_id;
	size_t limit;
	store_history_fn *fn;
	void *data;
	int error;
	struct store_ended *rows;
	size_t count;
};

struct store_queries {
	struct store_query *first, *last;
};

/* Somebody who wants to hear of a batch. */
struct store_waiter {
	struct store_waiter *next;
	uint64_t batch;
	uint64_t since_ms;
	store_done_fn *done;
	void *data;
};

void store_queries_add(struct store_queries *queries, struct store_query *query);
void store_queries_finish(struct store_queries *queries);
