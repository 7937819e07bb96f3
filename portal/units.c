/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "portal/units.h"

void units_duration(uint64_t seconds, struct duration *ret_duration)
{
	struct duration d = {0};
	char *const texts[] = {d.days, d.hours, d.minutes, d.seconds};
	const uint64_t figures[] = {seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60,
				    seconds % 60};
	size_t first = 0;

	while (first < 3 && figures[first] == 0)
		first++;
	snprintf(texts[first], UNITS_TEXT_MAX, "%llu", (unsigned long long)figures[first]);
	/* "5 min 12 s" is more than anybody wants to know */
	if (first < 2 && figures[first + 1] > 0)
		snprintf(texts[first + 1], UNITS_TEXT_MAX, "%llu",
			 (unsigned long long)figures[first + 1]);
	*ret_duration = d;
}

void units_bytes(uint64_t bytes, struct amount *ret_amount)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t tenths = bytes; /* of the unit, from kB on */
	size_t unit = 0;

	if (bytes >= 1000) {
		for (tenths = bytes / 100, unit = 1; tenths >= 10000; unit++)
			tenths /= 1000;
	}
	ret_amount->unit = units[unit];
	if (unit == 0 || tenths >= 1000)
		snprintf(ret_amount->number, UNITS_TEXT_MAX, "%llu",
			 (unsigned long long)(unit == 0 ? tenths : tenths / 10));
	else
		snprintf(ret_amount->number, UNITS_TEXT_MAX, "%llu.%llu",
			 (unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10));
}
