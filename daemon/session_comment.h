/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session in the comment of its element in the kernel, from which a new portald reads it back. */
#pragma once

#include "daemon/session.h"

/* How and since when a session is, and its limits, in one line that the kernel keeps with the
 * element: "1795350000 login b=1795340000123 l=3600000 i=600 rd=20000000 ; a note".  booted_ms (b)
 * and length_ms (l): see session.h; 0 is left out.  Of a long note the end is lost if there is much before it,
 * of limits what does not fit: " +". */
void session_comment(char comment[static COMMENT_MAX], uint64_t started, enum session_how how,
		     uint64_t booted_ms, uint64_t length_ms, const struct limits *limits,
		     const char *note);
/* Reads it back, also as earlier versions wrote it, with whole names; what was lost: session.told.  What
 * cannot be read (somebody else's element) becomes a grant that started now. */
void session_parse_comment(struct session *s, const char *comment);
