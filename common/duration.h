/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as people write them: 90s, 30m, 8h, 7d, 1h30m. */
#pragma once

#include <stdint.h>

enum { DURATION_TEXT_MAX = 32 };

/* Numbers with a unit (d, h, m, s), the larger unit first, each at most once, blanks between them
 * allowed.  -EINVAL: not such a text (a bare number is none); -ERANGE: more seconds than 32 bits
 * hold. */
int duration_parse(const char *text, uint64_t *ret_seconds);

/* The two largest units that say something: "45s", "12m 5s", "8h", "1h 23m", "7d". */
const char *duration_format(uint64_t seconds, char text[static DURATION_TEXT_MAX]);
