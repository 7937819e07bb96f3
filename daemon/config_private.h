/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the config*.c files share while a file is being read. */
#pragma once

#include "daemon/config.h"

/* One reading of one file. */
struct config_load {
	const char *path;
	const char *folder; /* of the file, absolute */
	FILE *out;
	struct config *config; /* zones[zone_count] is the zone under construction */
	unsigned int errors;
	/* where the `zone ... {` stand, in order */
	unsigned int zone_lines[ZONES_MAX + 1];
	unsigned int zone_lines_count;
	/* what the next message is about */
	unsigned int line;
	const char *zone; /* its name, or NULL */
	const char *key;  /* or NULL */
};

enum field_type { FIELD_NONE, FIELD_TEXT, FIELD_PORT, FIELD_U32, FIELD_U64, FIELD_LEVEL };

/* Reads `value` into *field.  0, or -EINVAL after config_complain(). */
struct config_key;
typedef int config_parser(struct config_load *l, const struct config_key *key, const char *value,
			  void *field);

/* One line of the schema: a key, how its value is read, and where it goes. */
struct config_key {
	const char *name;
	config_parser *parse;
	const char *preset; /* parsed as if it stood in the file; NULL: the field stays zero */
	size_t offset;	    /* in struct config or struct zone_config */
	enum field_type type;
	bool fixed; /* a change needs a restart */
	uint32_t min, max;
};

extern const struct config_key config_global_keys[], config_zone_keys[];
extern const size_t config_global_key_count, config_zone_key_count;

/* The entry and, in *ret_index (may be NULL), its place in the table and in `lines`; NULL if there
 * is none. */
const struct config_key *config_find_key(bool in_zone, const char *name, size_t *ret_index);
/* The known key that `name` probably means, or NULL. */
const char *config_nearest_key(bool in_zone, const char *name);
/* Whether it is, or probably should be, the word that begins a zone. */
bool config_means_zone(const char *name);
void *config_field(const struct config_key *key, const void *base);
int config_set_text(char **field, const char *value);
void config_zone_release(struct zone_config *zone);

/* As config_load(), of a text as if it stood in `path`. */
int config_load_text(const char *path, const char *text, size_t len, FILE *out,
		     struct config **ret_config);

/* Writes "file:line: zone "x": key: text" and counts it.  -EINVAL, so that a parser can return it.
 */
int config_complain(struct config_load *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Rewrites a file's text so that libConfuse sees only quoted strings, '=', '{', '}' and newlines:
 * no comment, no variable. -EINVAL if it complained, -ENOMEM. */
int config_rewrite(struct config_load *l, const char *text, size_t len, char **ret_text);

/* Reads the certificates and their keys, if there are any, and checks them (daemon/certificate.c). */
void config_check_certificates(struct config_load *l);

/* Whether the API can be advertised at all if the file says so. */
void config_check_api(struct config_load *l);

/* Whether a guest could ever extend its session if the zone says so. */
void config_check_extend(struct config_load *l, const struct zone_config *zone);

/* What no single key can tell: missing ones, ports and interfaces used twice.  Fills in what
 * depends on other values. */
void config_cross_check(struct config_load *l);
