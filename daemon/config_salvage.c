/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zones of a file that is wrong: every `zone "NAME"` and `interface = NAME` in it, also where a key is misspelt, a quote or
 * a brace is missing.  An interface too many is closed rather than one too few.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "daemon/config_file.h"
#include "daemon/config_parse.h"

enum { WORD_MAX = 63 };

struct salvage {
	const char *at; /* NUL-terminated */
	size_t count;
	char zones[ZONES_MAX][ZONE_NAME_MAX], interfaces[ZONES_MAX][IFNAME_MAX];
};

static bool is_sign(char c)
{
	return strchr(" \t\r\n={};,+", c) != NULL;
}

static void skip(struct salvage *s)
{
	for (;;) {
		while (*s->at && is_sign(*s->at))
			s->at++;
		if (*s->at == '#' || strncmp(s->at, "//", 2) == 0)
			s->at += strcspn(s->at, "\n");
		else
			return;
	}
}

/* In quotes or not, cut off after WORD_MAX; a quote that is not closed ends with its line.  False: the end. */
static bool next_word(struct salvage *s, char word[static WORD_MAX + 1])
{
	size_t len;

	skip(s);
	if (!*s->at)
		return false;
	if (*s->at == '"' || *s->at == '\'') {
		const char end[] = {*s->at++, '\n', '\0'};

		len = strcspn(s->at, end);
	} else {
		len = strcspn(s->at, " \t\r\n={};,+\"'#");
	}
	snprintf(word, WORD_MAX + 1, "%.*s", (int)len, s->at);
	s->at += len;
	if (*s->at == '"' || *s->at == '\'')
		s->at++;
	return true;
}

/* Names of zones differ in more than capital letters, as everywhere. */
static bool has_zone(const struct salvage *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcasecmp(name, s->zones[i]) == 0)
			return true;
	}
	return false;
}

static bool has_interface(const struct salvage *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(name, s->interfaces[i]) == 0)
			return true;
	}
	return false;
}

/* Both are no longer than such names are; zone may be empty: it cannot be told. */
static void add(struct salvage *s, const char *zone, const char *interface)
{
	size_t n = s->count;

	if (n == ZONES_MAX || has_interface(s, interface))
		return;
	memcpy(s->zones[n], zone, strlen(zone) + 1);
	for (size_t i = n + 1; !*s->zones[n] || has_zone(s, s->zones[n]); i++)
		snprintf(s->zones[n], ZONE_NAME_MAX, "closed-%zu", i);
	memcpy(s->interfaces[n], interface, strlen(interface) + 1);
	s->count++;
}

static bool means_interface(const char *word)
{
	const char *nearest = config_nearest_key(true, word);

	return nearest && strcmp(nearest, "interface") == 0;
}

static void find(struct salvage *s)
{
	char before[WORD_MAX + 1] = "", word[WORD_MAX + 1], zone[ZONE_NAME_MAX] = "";

	for (; next_word(s, word); memcpy(before, word, sizeof(before))) {
		if (strcmp(before, "zone") == 0)
			snprintf(zone, sizeof(zone), "%.*s", ZONE_NAME_MAX - 1,
				 config_is_zone_name(word) ? word : "");
		else if (means_interface(before) && config_is_interface(word))
			add(s, zone, word);
	}
}

static int make_text(const struct salvage *s, char **ret_text, size_t *ret_len)
{
	CLEANUP(cleanup_fclose) FILE *out = open_memstream(ret_text, ret_len);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++)
		fprintf(out, "zone \"%s\" { interface = \"%s\" }\n", s->zones[i], s->interfaces[i]);
	return fflush(out) == 0 ? 0 : -ENOMEM;
}

int config_salvage(const char *path, FILE *out, struct config **ret_config)
{
	CLEANUP(cleanup_free) struct salvage *s = calloc(1, sizeof(*s));
	CLEANUP(cleanup_free) char *text = NULL, *made = NULL;
	size_t len;
	int r = s ? config_read_file(path, &text, &len) : -ENOMEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < len; i++) {
		if (!text[i])
			text[i] = '\n';
	}
	s->at = text;
	find(s);
	if (s->count == 0)
		return -ENOENT;
	r = make_text(s, &made, &len);
	return r < 0 ? r : config_load_text(path, made, len, out, ret_config);
}
