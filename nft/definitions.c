/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "nft/definitions.h"

/* One line, without what stands around it. */
struct line {
	const char *begin;
	size_t len;
};

/* FNV-1a: nobody has an interest in a collision. */
static void add_line(uint64_t *hash, const struct line *line)
{
	for (size_t i = 0; i <= line->len; i++) {
		*hash ^= i < line->len ? (unsigned char)line->begin[i] : '\n';
		*hash *= UINT64_C(0x100000001b3);
	}
}

static bool begins(const struct line *line, const char *word)
{
	const size_t n = strlen(word);

	return line->len >= n && memcmp(line->begin, word, n) == 0;
}

static bool ends_block(const struct line *line)
{
	return line->len > 0 && line->begin[line->len - 1] == '}';
}

static struct line trim(const char *begin, const char *end)
{
	begin += strspn(begin, " \t");
	return (struct line){begin, begin < end ? (size_t)(end - begin) : 0};
}

uint64_t definitions_hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	struct line chain = {0};
	bool inside = false; /* of a set or map of several lines */

	for (const char *p = text, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');

		const struct line line = trim(p, end);
		const bool first = begins(&line, "set ") || begins(&line, "map ");

		if (line.len == 0 || *line.begin == '#')
			continue;
		if (begins(&line, "chain "))
			chain = line;
		if (begins(&line, "type ") && !inside) /* of the chain */
			add_line(&hash, &chain);
		if (first || inside || begins(&line, "type "))
			add_line(&hash, &line);
		if (first)
			inside = !ends_block(&line);
		else if (begins(&line, "}"))
			inside = false;
	}
	return hash;
}
