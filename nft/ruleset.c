/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "nft/ruleset.h"

enum {
	RULESET_FILE_MAX = 256 * 1024, /* bytes */
	BURST_SECONDS = 5,	       /* a meter lets so many seconds' worth through at once */
	ZONE_LIMIT = 1000,	       /* new connections a second of all strangers of a zone */
	SHARED_LIMIT = 500, /* a second, for all MACs for which the meters have no room */
};

/* Each block of portal.nft: from its first line to the line with " end" behind the same words. */
static const char block_zone[] = "#: each zone\n";
static const char block_zone_end[] = "#: each zone end\n";
static const char block_egress[] = "#: each zone with an interface\n";
static const char block_egress_end[] = "#: each zone with an interface end\n";

struct span {
	const char *begin, *end;
};

/* The text between two marker lines. */
static int find_span(const char *text, const char *first, const char *last, struct span *ret_span)
{
	const char *begin = strstr(text, first);
	const char *end = begin ? strstr(begin, last) : NULL;

	if (!end)
		return -EINVAL;
	*ret_span = (struct span){begin + strlen(first), end};
	return 0;
}

int ruleset_init(struct ruleset *rs, const char *path)
{
	CLEANUP(cleanup_fclose) FILE *f = fopen(path, "re");
	CLEANUP(cleanup_free) char *text = calloc(1, RULESET_FILE_MAX + 1);
	struct span span;

	if (!f)
		return -errno;
	if (!text)
		return -ENOMEM;
	size_t n = fread(text, 1, RULESET_FILE_MAX + 1, f);

	if (ferror(f))
		return -EIO;
	if (n > RULESET_FILE_MAX)
		return -EFBIG;
	if (find_span(text, block_zone, block_zone_end, &span) < 0 ||
	    find_span(text, block_egress, block_egress_end, &span) < 0)
		return -EINVAL;
	rs->text = steal_ptr(&text);
	return 0;
}

void ruleset_finish(struct ruleset *rs)
{
	free(rs->text);
	rs->text = NULL;
}

bool ruleset_zone_valid(const struct gate_zone *zone)
{
	size_t len = strnlen(zone->name, sizeof(zone->name));

	if (len == 0 || len == sizeof(zone->name))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)zone->name[i]) && zone->name[i] != '-')
			return false;
	}
	len = strnlen(zone->interface, sizeof(zone->interface));
	if (len == 0 || len == sizeof(zone->interface))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)zone->interface[i]) ||
		    strchr("\"'\\/*", zone->interface[i]))
			return false;
	}
	return zone->portal_port && zone->divert_port && zone->connection_limit &&
	       zone->dns_limit && zone->refuse_limit;
}

/* A word of portal.nft and what stands for it. */
struct word {
	const char *word;
	char value[ZONE_NAME_MAX + 4];
};

enum { WORDS = 15 };

static void set_number(struct word *w, const char *word, unsigned long value)
{
	w->word = word;
	snprintf(w->value, sizeof(w->value), "%lu", value);
}

/* The longer of two words with a common beginning stands first. */
static void zone_words(const struct gate_zone *zone, uint32_t mark, struct word words[static WORDS])
{
	size_t n = 0;

	words[n].word = "ZONE";
	snprintf(words[n++].value, sizeof(words[0].value), "z_%s", zone->name);
	words[n].word = "INTERFACE";
	snprintf(words[n++].value, sizeof(words[0].value), "%s", zone->interface);
	words[n].word = "$mark";
	snprintf(words[n++].value, sizeof(words[0].value), "0x%08x", mark);
	set_number(&words[n++], "$portal_port", zone->portal_port);
	set_number(&words[n++], "$divert_port", zone->divert_port);
	set_number(&words[n++], "$connection_limit", zone->connection_limit);
	set_number(&words[n++], "$connection_burst",
		   (unsigned long)zone->connection_limit * BURST_SECONDS);
	set_number(&words[n++], "$dns_limit", zone->dns_limit);
	set_number(&words[n++], "$dns_burst", (unsigned long)zone->dns_limit * BURST_SECONDS);
	set_number(&words[n++], "$refuse_limit", zone->refuse_limit);
	set_number(&words[n++], "$refuse_burst", (unsigned long)zone->refuse_limit * BURST_SECONDS);
	set_number(&words[n++], "$zone_limit", ZONE_LIMIT);
	set_number(&words[n++], "$zone_burst", ZONE_LIMIT * 2UL);
	set_number(&words[n++], "$shared_limit", SHARED_LIMIT);
	set_number(&words[n++], "$shared_burst", SHARED_LIMIT);
}

static const struct word *word_at(const struct word *words, const char *p)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strncmp(p, words[i].word, strlen(words[i].word)) == 0)
			return &words[i];
	}
	return NULL;
}

/* Writes a span with the words replaced, without its comment lines. */
static void write_span(FILE *out, const struct span *span, const struct word *words)
{
	bool line_start = true;

	for (const char *p = span->begin; p < span->end;) {
		if (line_start && p[strspn(p, "\t")] == '#') {
			p = strchr(p, '\n') + 1;
			continue;
		}
		const struct word *w = words ? word_at(words, p) : NULL;

		if (w) {
			fputs(w->value, out);
			p += strlen(w->word);
			line_start = false;
		} else {
			line_start = *p == '\n';
			fputc(*p++, out);
		}
	}
}

/* Closes a memory stream whose text is at *text. */
static int close_text(FILE *f, char **text, char **ret_text)
{
	bool failed = ferror(f) != 0;

	if (fclose(f) != 0 || failed) {
		free(*text);
		return -ENOMEM;
	}
	*ret_text = *text;
	return 0;
}

int ruleset_render(const struct ruleset *rs, const struct gate_zone *zones, const bool *present,
		   size_t count, uint32_t mark, char **ret_text)
{
	struct word words[WORDS];
	struct span common, zone, egress;
	char *text = NULL;
	size_t len = 0;

	if (find_span(rs->text, block_zone, block_zone_end, &zone) < 0 ||
	    find_span(rs->text, block_egress, block_egress_end, &egress) < 0)
		return -EINVAL;
	common = (struct span){rs->text, zone.begin};

	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	write_span(out, &common, NULL);
	for (size_t i = 0; i < count; i++) {
		zone_words(&zones[i], mark, words);
		write_span(out, &zone, words);
		if (present[i])
			write_span(out, &egress, words);
	}
	return close_text(out, &text, ret_text);
}

int ruleset_render_egress(const struct ruleset *rs, const struct gate_zone *zone, uint32_t mark,
			  char **ret_text)
{
	struct word words[WORDS];
	struct span egress;
	char *text = NULL;
	size_t len = 0;

	if (find_span(rs->text, block_egress, block_egress_end, &egress) < 0)
		return -EINVAL;

	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	zone_words(zone, mark, words);
	write_span(out, &egress, words);
	return close_text(out, &text, ret_text);
}
