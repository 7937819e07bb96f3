/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP answer, complete and independent of who sends it: status line, every header in the order
 * of the wire (Content-Length last), body.  A sender adds nothing and leaves nothing out; for HEAD
 * it leaves out the body.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum {
	RESPONSE_HEADERS_MAX = 16,
	RESPONSE_TEXT_MAX = 3072, /* bytes of all header values that are not constants */
};

struct response_header {
	const char *name;
	const char *value;
};

/* Header values point into `text`: do not copy the struct. */
struct response {
	unsigned int status;
	const char *reason;
	size_t header_count;
	struct response_header headers[RESPONSE_HEADERS_MAX];
	char *body; /* owned, malloc() */
	size_t body_len;
	size_t text_len;
	char text[RESPONSE_TEXT_MAX];
};

/* Empties r (an empty or finished one) and sets the status, its reason, Connection: close if asked
 * for, and Date. */
void response_init(struct response *r, unsigned int status, bool close, time_t now);
void response_finish(struct response *r);

/* value: a string that stays as long as r */
void response_add(struct response *r, const char *name, const char *value);
/* value is copied; -E2BIG if there is no room left */
int response_add_copy(struct response *r, const char *name, const char *value);
/* Takes body and closes the list of headers with Content-Length. */
void response_set_body(struct response *r, char *body, size_t len);

/* NULL if there is no such header */
const char *response_get(const struct response *r, const char *name);

/* Writes it as it goes out, for HEAD without the body.  Its length; -E2BIG: no room in buf. */
int response_write(const struct response *r, bool head, char *buf, size_t size);
