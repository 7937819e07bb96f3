/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which key did the writer of an unknown one mean? */
#include <string.h>
#include <sys/param.h>

#include "daemon/config_private.h"

enum {
	WORD_MAX = 24, /* the longest that is looked at; no key is longer */
	FAR = 4,       /* from this distance on it is another word */
};

/* Levenshtein's distance, or FAR. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], len = strlen(b), other = strlen(a);

	if (MAX(len, other) > WORD_MAX || MAX(len, other) - MIN(len, other) >= FAR)
		return FAR;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t best = MIN(MIN(row[j], row[j + 1]) + 1, diagonal + (a[i] != b[j]));

			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return MIN(row[len], FAR);
}

bool config_means_zone(const char *name)
{
	return distance(name, "zone") <= 1;
}

const char *config_nearest_key(bool in_zone, const char *name)
{
	const struct config_key *keys = in_zone ? config_zone_keys : config_global_keys;
	const size_t count = in_zone ? config_zone_key_count : config_global_key_count;
	const char *nearest = NULL;
	size_t least = FAR;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(name, keys[i].name);

		if (d < least && d < strlen(keys[i].name)) {
			least = d;
			nearest = keys[i].name;
		}
	}
	return nearest;
}
