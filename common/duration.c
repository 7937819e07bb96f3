/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "common/duration.h"

static const struct {
	char letter;
	uint32_t seconds;
} units[] = {
	{'d', 86400},
	{'h', 3600},
	{'m', 60},
	{'s', 1},
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

int duration_parse(const char *text, uint64_t *ret_seconds)
{
	uint64_t total = 0;
	size_t unit = 0;

	for (const char *p = text; *p;) {
		uint64_t n = 0;

		if (!isdigit((unsigned char)*p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p); p++) {
			n = n * 10 + (uint64_t)(*p - '0');
			if (n > UINT32_MAX)
				return -ERANGE;
		}
		while (unit < UNITS && units[unit].letter != *p)
			unit++;
		if (unit == UNITS)
			return -EINVAL;
		total += n * units[unit].seconds;
		if (total > UINT32_MAX)
			return -ERANGE;
		unit++;
		p++;
		while (*p == ' ' && p[1])
			p++;
	}
	if (unit == 0)
		return -EINVAL;
	*ret_seconds = total;
	return 0;
}

const char *duration_format(uint64_t seconds, char text[static DURATION_TEXT_MAX])
{
	size_t unit = 0;

	while (unit < UNITS - 1 && seconds < units[unit].seconds)
		unit++;

	uint64_t first = seconds / units[unit].seconds, second = 0;

	if (unit < UNITS - 1)
		second = seconds % units[unit].seconds / units[unit + 1].seconds;
	if (second > 0)
		snprintf(text, DURATION_TEXT_MAX, "%" PRIu64 "%c %" PRIu64 "%c", first,
			 units[unit].letter, second, units[unit + 1].letter);
	else
		snprintf(text, DURATION_TEXT_MAX, "%" PRIu64 "%c", first, units[unit].letter);
	return text;
}
