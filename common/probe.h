/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which requests are probes of operating systems that take status 511 for a broken network: patterns
 * "HOST/PATH".  HOST is a name, "*.name" for all names below it, or "*" for any and for none; "*" at
 * the end of PATH stands for the rest.  Hosts are compared without case, paths byte by byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	PROBES_MAX = 32,      /* patterns of a zone */
	PROBE_TEXT_MAX = 384, /* with its NUL: one pattern */
};

enum probes {
	PROBES_COMPATIBLE, /* those that are known get a redirect */
	PROBES_STRICT,	   /* only those that the zone names */
};

bool probe_is_pattern(const char *text);
/* A pattern, and a host without its port (len 0: none) and a path without its query. */
bool probe_matches(const char *pattern, const char *host, size_t host_len, const char *path,
		   size_t path_len);

/* Cuts the words off a list that blanks part, by writing NULs into it.  How many there are, of which
 * the first PROBES_MAX go to ret_patterns. */
size_t probe_split(char *list, const char *ret_patterns[static PROBES_MAX]);
