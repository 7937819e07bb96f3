/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures as guests read them.  Words (days, hours ...) are the pages' business. */
#pragma once

#include <stdint.h>

enum { UNITS_TEXT_MAX = 24 };

struct duration {
	/* at most two neighbours are not empty: "2" days "3" hours; all are empty only for `none`
	 */
	char days[UNITS_TEXT_MAX], hours[UNITS_TEXT_MAX], minutes[UNITS_TEXT_MAX],
		seconds[UNITS_TEXT_MAX];
};

/* Under a minute: seconds; else rounded down to the smaller of the two units shown. */
void units_duration(uint64_t seconds, struct duration *ret_duration);

struct amount {
	char number[UNITS_TEXT_MAX]; /* three digits at most before it grows to the next unit: "0",
					"999", "1.5", "12.3" */
	const char *unit;	     /* B, kB, MB, GB, TB: powers of 1000 */
};

void units_bytes(uint64_t bytes, struct amount *ret_amount);
