/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of an HTTP/1 request's head (RFC 9112, 2 and 3) as one segment holds, for an answer that
 * depends on method, target and Host only.  It reads as leniently as libmicrohttpd, so that both
 * ways to divert understand a request alike.  A pure function over a guest's bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	HEAD_MAX = 1220,      /* bytes that are looked at; a segment of this size will not grow */
	HEAD_METHOD_MAX = 32, /* a longer word at the beginning is no method */
};

enum head_state {
	HEAD_NONE,    /* this is not how a request begins */
	HEAD_PARTIAL, /* more bytes could change the answer */
	HEAD_READY,
};

/* The strings point into text. */
struct head {
	const char *method, *target; /* NULL unless their line is whole */
	const char *host;	     /* NULL: none */
	char text[HEAD_MAX + 1];
};

/* Ready is a request line with a Host field, with the
 * head's end, or with a target that is a whole URL or longer than any that we would write into an
 * answer; and what fills HEAD_MAX bytes. */
enum head_state head_read(const uint8_t *data, size_t len, struct head *ret_head);
