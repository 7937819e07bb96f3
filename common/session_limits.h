/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session may use, besides its time, and has used; how people and the control socket name it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 0: no limit. */
struct limits {
	uint64_t idle;		       /* seconds without a packet from the guest */
	uint64_t quota_up, quota_down; /* bytes; the kernel holds them */
	uint64_t quota_total;	       /* bytes, both ways together */
	uint64_t rate_up, rate_down;   /* bits a second; the kernel holds them */
};

/* What the kernel counted of a member; the counters of a set element. */
struct counters {
	uint64_t packets_up, bytes_up;	   /* IP bytes from the guest */
	uint64_t packets_down, bytes_down; /* IP bytes towards the guest */
	uint32_t over;			   /* OVER_UP, OVER_DOWN: a quota is used up */
	uint32_t absent;		   /* of an answer: it is no member, and the rest is zero */
};
enum { OVER_UP = 1, OVER_DOWN = 2 };

enum limit_unit { LIMIT_SECONDS, LIMIT_BYTES, LIMIT_BITS /* a second */ };

/* Each member of struct limits. */
struct limit_field {
	const char *name; /* "quota-up": of options, configuration keys, JSON */
	enum limit_unit unit;
	size_t offset;
	uint64_t max;
};

enum { SESSION_LIMITS = 6 };
extern const struct limit_field limit_fields[SESSION_LIMITS];

/* The member that limit_fields[i] is about. */
uint64_t *limit_at(struct limits *limits, size_t i);
uint64_t limit_value(const struct limits *limits, size_t i);

/* "90s", "1.5G", "20M", "512Ki", "none": k, M, G, T are powers of 1000, with i of 1024.  -EINVAL: not
 * such a text; -ERANGE: more than unit's limits may be, or so little that it would be none. */
int limit_parse(enum limit_unit unit, const char *text, uint64_t *ret_value);
