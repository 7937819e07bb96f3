/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle is a sealed memfd of named byte strings: how the engine gives the web worker, which can
 * open no file, its configuration and pages, at start and at each reload.  Layout: for each entry
 * two uint32_t (length of the name without its NUL, length of the data), the name, a NUL, the data,
 * a NUL; so names and text data can be used as C strings in place.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum {
	BUNDLE_SIZE_MAX = 16 * 1024 * 1024, /* bytes, whole */
	BUNDLE_NAME_MAX = 128,		    /* bytes of one name */
};

struct bundle_writer {
	FILE *file;
	int fd;
};

/* Zero-initialised or finished writers may be finished.  Negative errno on failure. */
int bundle_writer_init(struct bundle_writer *w);
int bundle_add(struct bundle_writer *w, const char *name, const void *data, size_t len);
int bundle_addf(struct bundle_writer *w, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Seals it (no write, no resize) and gives the descriptor away (close-on-exec). */
int bundle_seal(struct bundle_writer *w, int *ret_fd);
void bundle_writer_finish(struct bundle_writer *w);

struct bundle {
	void *map;
	size_t len;
};

/* Maps fd (which may be closed afterwards) and checks the whole layout.  -EBADMSG: malformed,
 * -EFBIG: too large. */
int bundle_open(int fd, struct bundle **ret_bundle);
void bundle_destroy(struct bundle *b);
/* The same check on plain memory, for tests; data must stay. */
int bundle_check(const void *data, size_t len);

/* NULL if there is no such entry.  The data is followed by a NUL that *ret_len (may be NULL) does
 * not count. */
const char *bundle_get(const struct bundle *b, const char *name, size_t *ret_len);
/* decimal number; fallback if the entry is absent or no number */
long bundle_get_number(const struct bundle *b, const char *name, long fallback);
