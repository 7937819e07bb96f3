/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "nft/definitions.h"
#include "nft/garden.h"
#include "nft/ruleset.h"

enum {
	RULESET_FILE_MAX = 256 * 1024, /* bytes */
	BURST_SECONDS = 5,	       /* a meter lets so many seconds' worth through at once */
	PACKETS_A_CONNECTION = 8, /* of one stranger's exchange in queue mode, with some to spare */
	SHARED_LIMIT = 500,	  /* a second, for all MACs for which the meters have no room */
	REFUSALS_AN_ERROR = 5,	  /* one in so many may be an ICMP error */
};

/* The blocks of portal.nft: each from the line "#: NAME" to the line "#: NAME end". */
enum block {
	BLOCK_NETDEV,
	BLOCK_ZONE,
	BLOCK_TOWARDS,
	BLOCK_TOWARDS_ANSWERS,
	BLOCK_NAMES,
	BLOCK_TLS,
	BLOCK_REDIRECT,
	BLOCK_QUEUE,
	BLOCK_MAPS,
	BLOCK_EGRESS,
	BLOCKS
};

static const char *const block_names[BLOCKS] = {
	[BLOCK_NETDEV] = "with an egress hook",
	[BLOCK_ZONE] = "each zone",
	[BLOCK_TOWARDS] = "each zone with an egress hook",
	[BLOCK_TOWARDS_ANSWERS] = "each zone without an egress hook",
	[BLOCK_NAMES] = "each zone with host names in its garden",
	[BLOCK_TLS] = "each zone with a certificate",
	[BLOCK_REDIRECT] = "each zone with divert redirect",
	[BLOCK_QUEUE] = "each zone with divert queue",
	[BLOCK_MAPS] = "each zone in its maps",
	[BLOCK_EGRESS] = "each zone with an interface",
};

struct span {
	const char *begin, *end;
};

static int find_block(const char *text, enum block block, struct span *ret_span)
{
	char first[64], last[64];

	snprintf(first, sizeof(first), "#: %s\n", block_names[block]);
	snprintf(last, sizeof(last), "#: %s end\n", block_names[block]);
	const char *begin = strstr(text, first);
	const char *end = begin ? strstr(begin, last) : NULL;

	if (!end)
		return -EINVAL;
	*ret_span = (struct span){begin + strlen(first), end};
	return 0;
}

static int find_blocks(const char *text, struct span spans[static BLOCKS])
{
	for (enum block i = 0; i < BLOCKS; i++) {
		int r = find_block(text, i, &spans[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int ruleset_init(struct ruleset *rs, const char *path)
{
	CLEANUP(cleanup_fclose) FILE *f = fopen(path, "re");
	CLEANUP(cleanup_free) char *text = calloc(1, RULESET_FILE_MAX + 1);
	struct span spans[BLOCKS];

	if (!f)
		return -errno;
	if (!text)
		return -ENOMEM;
	size_t n = fread(text, 1, RULESET_FILE_MAX + 1, f);

	if (ferror(f))
		return -EIO;
	if (n > RULESET_FILE_MAX)
		return -EFBIG;
	int r = find_blocks(text, spans);

	if (r < 0)
		return r;
	snprintf(rs->definitions, sizeof(rs->definitions), "%016" PRIx64, definitions_hash(text));
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
	return zone->portal_port && zone->divert_port && zone->tls_port && zone->connection_limit &&
	       zone->connection_ceiling && zone->packet_ceiling && zone->dns_limit &&
	       zone->refuse_limit && garden_valid(&zone->garden);
}

enum { WORD_MAX = ZONE_NAME_MAX + 4 };

/* A word of portal.nft and what stands for it. */
struct word {
	const char *word;
	bool absent; /* lines that begin with it are left out */
	char value[WORD_MAX];
};

enum { WORDS = 27 };

static void set_number(struct word *w, const char *word, unsigned long value)
{
	w->word = word;
	snprintf(w->value, sizeof(w->value), "%lu", value);
}

static void set_condition(struct word *w, const char *word, bool holds)
{
	w->word = word;
	w->absent = !holds;
}

/* Without the native expression the gate puts a rule of its own before this one. */
static void queue_statement(const struct ruleset_globals *g, char value[static WORD_MAX])
{
	if (!g->queue_native || g->queue_count == 0)
		snprintf(value, WORD_MAX, "drop");
	else if (g->queue_count == 1)
		snprintf(value, WORD_MAX, "queue num %u", g->queue_first);
	else
		snprintf(value, WORD_MAX, "queue num %d-%d", g->queue_first,
			 g->queue_first + g->queue_count - 1);
}

static void common_words(const struct ruleset *rs, struct word words[static WORDS])
{
	memset(words, 0, WORDS * sizeof(*words));
	words[0].word = "$definitions";
	snprintf(words[0].value, sizeof(words[0].value), "%s", rs->definitions);
}

/* The longer of two words with a common beginning stands first. */
static void zone_words(const struct gate_zone *zone, const struct ruleset_globals *globals,
		       struct word words[static WORDS])
{
	const uint32_t calm = (zone->connection_ceiling + 2) / 3;
	const uint32_t storm =
		zone->connection_ceiling > calm ? zone->connection_ceiling - calm : 1;
	const uint32_t errors = (zone->refuse_limit + REFUSALS_AN_ERROR - 1) / REFUSALS_AN_ERROR;
	size_t n = 0;

	memset(words, 0, WORDS * sizeof(*words));
	words[n].word = "ZONE";
	snprintf(words[n++].value, sizeof(words[0].value), "z_%s", zone->name);
	words[n].word = "INTERFACE";
	snprintf(words[n++].value, sizeof(words[0].value), "%s", zone->interface);
	words[n].word = "$mark";
	snprintf(words[n++].value, sizeof(words[0].value), "0x%08x", globals->mark);
	words[n].word = "$other_marks";
	snprintf(words[n++].value, sizeof(words[0].value), "0x%08x", ~globals->mark);
	set_number(&words[n++], "$portal_port", zone->portal_port);
	set_number(&words[n++], "$divert_port", zone->divert_port);
	set_number(&words[n++], "$tls_port", zone->tls_port);
	set_number(&words[n++], "$connection_limit", zone->connection_limit);
	set_number(&words[n++], "$connection_burst",
		   (unsigned long)zone->connection_limit * BURST_SECONDS);
	set_number(&words[n++], "$dns_limit", zone->dns_limit);
	set_number(&words[n++], "$dns_burst", (unsigned long)zone->dns_limit * BURST_SECONDS);
	set_number(&words[n++], "$refuse_limit", zone->refuse_limit);
	set_number(&words[n++], "$refuse_burst", (unsigned long)zone->refuse_limit * BURST_SECONDS);
	set_number(&words[n++], "$error_limit", errors);
	set_number(&words[n++], "$error_burst", (unsigned long)errors * BURST_SECONDS);
	set_number(&words[n++], "$packet_limit",
		   (unsigned long)zone->connection_limit * PACKETS_A_CONNECTION);
	set_number(&words[n++], "$packet_burst",
		   (unsigned long)zone->connection_limit * PACKETS_A_CONNECTION * BURST_SECONDS);
	set_number(&words[n++], "$packet_ceiling", zone->packet_ceiling);
	words[n].word = "$queue";
	queue_statement(globals, words[n++].value);
	set_condition(&words[n++], "$garden ", zone->garden.count > 0);
	set_condition(&words[n++], "$names ", zone->garden.name_count > 0);
	set_number(&words[n++], "$calm_limit", calm);
	set_number(&words[n++], "$calm_burst", calm * 2UL);
	set_number(&words[n++], "$storm_limit", storm);
	set_number(&words[n++], "$storm_burst", storm * 2UL);
	set_number(&words[n++], "$shared_limit", SHARED_LIMIT);
	set_number(&words[n++], "$shared_burst", SHARED_LIMIT);
}

static const struct word *word_at(const struct word *words, const char *p)
{
	for (size_t i = 0; i < WORDS && words[i].word; i++) {
		if (strncmp(p, words[i].word, strlen(words[i].word)) == 0)
			return &words[i];
	}
	return NULL;
}

/* A comment, or for zones of another kind. */
static bool left_out(const struct word *words, const char *line)
{
	const char *begin = line + strspn(line, "\t");
	const struct word *w = word_at(words, begin);

	return *begin == '#' || (w && w->absent);
}

/* Writes a span with the words replaced. */
static void write_span(FILE *out, const struct span *span, const struct word *words)
{
	bool line_start = true;

	for (const char *p = span->begin; p < span->end;) {
		if (line_start && left_out(words, p)) {
			p = strchr(p, '\n') + 1;
			continue;
		}
		const struct word *w = word_at(words, p);

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

static void write_zone(FILE *out, const struct span *spans, const struct gate_zone *zone,
		       struct opened *opened, const struct ruleset_globals *globals,
		       const struct word *words)
{
	write_span(out, &spans[BLOCK_ZONE], words);
	write_span(out, &spans[globals->egress ? BLOCK_TOWARDS : BLOCK_TOWARDS_ANSWERS], words);
	if (zone->garden.name_count > 0)
		write_span(out, &spans[BLOCK_NAMES], words);
	if (zone->tls)
		write_span(out, &spans[BLOCK_TLS], words);
	write_span(out, &spans[zone->divert == DIVERT_QUEUE ? BLOCK_QUEUE : BLOCK_REDIRECT], words);
	write_span(out, &spans[BLOCK_MAPS], words);
	garden_write(out, zone, opened);
}

int ruleset_render(const struct ruleset *rs, const struct gate_zone *zones, struct opened *opened,
		   const bool *present, size_t count, const struct ruleset_globals *globals,
		   char **ret_text)
{
	struct span spans[BLOCKS], common;
	struct word words[WORDS];
	char *text = NULL;
	size_t len = 0;
	int r = find_blocks(rs->text, spans);

	if (r < 0)
		return r;
	common = (struct span){rs->text, spans[BLOCK_NETDEV].begin};

	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	common_words(rs, words);
	write_span(out, &common, words);
	if (globals->egress)
		write_span(out, &spans[BLOCK_NETDEV], words);
	for (size_t i = 0; i < count; i++) {
		zone_words(&zones[i], globals, words);
		write_zone(out, spans, &zones[i], &opened[i], globals, words);
		if (present[i] && globals->egress)
			write_span(out, &spans[BLOCK_EGRESS], words);
	}
	return close_text(out, &text, ret_text);
}

int ruleset_render_egress(const struct ruleset *rs, const struct gate_zone *zone,
			  const struct ruleset_globals *globals, char **ret_text)
{
	struct word words[WORDS];
	struct span egress;
	char *text = NULL;
	size_t len = 0;
	int r = find_block(rs->text, BLOCK_EGRESS, &egress);

	if (r < 0)
		return r;

	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	zone_words(zone, globals, words);
	write_span(out, &egress, words);
	return close_text(out, &text, ret_text);
}
