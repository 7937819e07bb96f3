/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's two halves: store.c in the event loop's thread, store_thread.c in its own.  What both
 * touch is under `lock`, which is held for moments only, never while the disk works.
 *
 * Each batch that the thread takes has a number: all that somebody waits for, and a portion of the
 * rest, so that a login does not wait for what a hundred thousand others left to write.  A batch that
 * cannot be written is written together with the next one, so "committed" says all: every batch up to
 * this one is on the disk.
 */
#pragma once

#include <pthread.h>

#include "daemon/store_db.h"
#include "daemon/store_queue.h"

struct store {
	/* the same from store_open() on */
	struct store_config config;
	char *path;
	int wake_fd; /* the thread has news */

	/* the loop's */
	struct event *wake, *kick, *flush, *slow;
	struct store_waiter *first_waiter, *last_waiter; /* oldest first */
	size_t waiter_count;
	int reported;	     /* the error that everybody knows of */
	uint64_t slow_batch; /* it took too long, and perhaps still does */
	pthread_t thread;
	bool has_thread;
	store_loaded_fn *loaded;
	void *loaded_data;

	/* both halves', under lock */
	pthread_mutex_t lock;
	pthread_cond_t work;	  /* for the thread: kicked, hurry or stop */
	pthread_cond_t attempted; /* for store_drain() */
	struct pending urgent;	  /* somebody waits for it */
	struct pending queue;	  /* the rest, of which a portion goes with each transaction */
	struct store_queries queries, answers;
	uint64_t batch;		   /* the number of what is urgent now */
	uint64_t tried, committed; /* batches */
	int error;		   /* of the last attempt */
	struct store_error why;
	size_t held_count;
	bool kicked, hurry, stop, ended, resync;
	bool filling, whole; /* all that is queued is one transaction, and not complete yet */
	struct store_contents contents; /* has_contents: they are for the loop */
	bool has_contents, out_of_memory;
	struct store_stats stats;

	/* the thread's, once it runs */
	struct store_db *db; /* NULL while it cannot be opened */
	struct pending held; /* taken from queue, not written yet */
	bool unloaded;	     /* its sessions were never given to the engine */
	bool renewed;	     /* it lacks what the engine has */
	uint64_t trimmed_ms; /* when */
};

/* Tells the loop that there is news. */
void store_wake(struct store *s);
/* Moves a damaged database out of the way and opens a fresh one; logs.  -errno. */
int store_replace(struct store *s, struct store_error *error);
/* The thread's first work; see store_load.c. */
void store_read(struct store *s);
/* The thread: void *(struct store *). */
void *store_thread(void *store);
