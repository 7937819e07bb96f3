/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads portald.conf: the text is rewritten (config_rewrite.c), libConfuse takes it apart by the
 * tables of config_key.c, each value goes into struct config as it is met, and config_check.c looks
 * at the whole.
 *
 * A bad value is told and the reading goes on; what is no configuration at all, or a key that
 * nobody knows, ends it. libConfuse's scanner and its callbacks have no room for a context, so
 * there is one reading at a time: `loading`.
 */
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include <confuse.h>

#include "common/cleanup.h"
#include "daemon/config_file.h"
#include "daemon/config_parse.h"

enum { MESSAGE_MAX = 1024 };

static struct config_load *loading;

int config_complain(struct config_load *l, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c))
			*c = '?';
	}
	fprintf(l->out, "%s", l->path);
	if (l->line)
		fprintf(l->out, ":%u", l->line);
	if (l->zone)
		fprintf(l->out, ": zone \"%s\"", l->zone);
	if (l->key)
		fprintf(l->out, ": %s", l->key);
	fprintf(l->out, ": %s\n", text);
	l->errors++;
	return -EINVAL;
}

/* The name of the section, if it can be shown; its own check comes at its end. */
static const char *section_name(const cfg_t *cfg)
{
	if (!cfg->title || strlen(cfg->title) >= ZONE_NAME_MAX)
		return NULL;
	for (const char *c = cfg->title; *c; c++) {
		if (iscntrl((unsigned char)*c))
			return NULL;
	}
	return cfg->title;
}

static void about(struct config_load *l, const cfg_t *cfg, const char *key)
{
	l->line = (unsigned int)cfg->line;
	l->zone = section_name(cfg);
	l->key = key;
}

/* libConfuse's callback for each value.  0 goes on, -1 ends the reading. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct config_load *l = loading;
	struct zone_config *zone = cfg->title ? &l->config->zones[l->config->zone_count] : NULL;
	unsigned int *lines = zone ? zone->lines : l->config->lines;
	size_t index;
	const struct config_key *key = config_find_key(zone, opt->name, &index);

	about(l, cfg, opt->name);
	if (!key || (zone && l->config->zone_count == ZONES_MAX)) {
		config_complain(l, key ? "there are more than %d zones; remove some" : "misplaced",
				ZONES_MAX);
		return -1;
	}
	*(const char **)result = value;
	if (lines[index]) {
		config_complain(l, "set twice; it stands on line %u already", lines[index]);
		return 0;
	}
	lines[index] = l->line;
	return key->parse(l, key, value, config_field(key, zone ? (void *)zone : l->config)) ==
			       -ENOMEM
		       ? -1
		       : 0;
}

static void on_unknown_key(struct config_load *l, const cfg_t *cfg, const char *name)
{
	const bool in_zone = cfg->title;
	const char *nearest = config_nearest_key(in_zone, name);

	about(l, cfg, NULL);
	if (config_means_zone(name) && in_zone)
		config_complain(
			l, "\"%s\": no zone can be in another one; close this one with } first",
			name);
	else if (config_means_zone(name))
		config_complain(l,
				"\"%s\" is no key of portald; did you mean zone \"NAME\" { ... }?",
				name);
	else if (config_find_key(!in_zone, name, NULL) && in_zone)
		config_complain(l, "\"%s\" is no key of a zone; put it outside of all zones", name);
	else if (config_find_key(!in_zone, name, NULL))
		config_complain(l, "\"%s\" is a key of a zone; put it between the braces of one",
				name);
	else if (nearest)
		config_complain(l, "\"%s\" is no key of portald; did you mean \"%s\"?", name,
				nearest);
	else
		config_complain(l, "\"%s\" is no key of portald; see portald.conf(5)", name);
}

/* libConfuse's own complaints, with what to do about them. */
__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *fmt,
							   va_list args)
{
	static const struct {
		const char *fmt;
		const char *help;
	} known[] = {
		{"premature end of file", "a value is missing before it"},
		{"unexpected closing brace", "remove it, or add the { that it closes"},
		{"unexpected token '%s'",
		 "write KEY = VALUE, one a line, texts with blanks in quotation marks"},
		{"missing equal sign after option '%s'", "write KEY = VALUE"},
		{"missing title for section '%s'", "write zone \"NAME\" { ... }"},
		{"missing opening brace for section '%s'", "write zone \"NAME\" { ... }"},
		{"found duplicate title '%s'", "each zone needs a name of its own"},
	};
	const char *help = "see portald.conf(5)";
	char text[MESSAGE_MAX];

	if (strncmp(fmt, "no such option", strlen("no such option")) == 0) {
		on_unknown_key(loading, cfg, va_arg(args, const char *));
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].fmt, fmt) == 0)
			help = known[i].help;
	}
	vsnprintf(text, sizeof(text), fmt, args);
	about(loading, cfg, NULL);
	config_complain(loading, "%s; %s", text, help);
}

static int set_presets(struct config_load *l, const struct config_key *keys, size_t count,
		       void *base)
{
	for (size_t i = 0; i < count; i++) {
		if (keys[i].preset &&
		    keys[i].parse(l, &keys[i], keys[i].preset, config_field(&keys[i], base)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Their names become names in nft, with z_ in front. */
bool config_is_zone_name(const char *name)
{
	size_t len = strlen(name);
	bool fine = len > 0 && len < ZONE_NAME_MAX;

	for (size_t i = 0; i < len; i++)
		fine = fine && (isalnum((unsigned char)name[i]) || name[i] == '-');
	return fine;
}

static void check_zone_name(struct config_load *l, const char *name)
{
	if (!config_is_zone_name(name))
		config_complain(
			l, "a zone's name has 1 to %d letters, digits and '-'; choose another one",
			ZONE_NAME_MAX - 1);
}

/* libConfuse's callback at the end of each zone: the zone under construction is done. */
static int on_zone(cfg_t *cfg, cfg_opt_t *opt)
{
	struct config_load *l = loading;
	const size_t index = l->config->zone_count;
	const cfg_t *section = opt->values[opt->nvalues - 1]->section;

	(void)cfg;
	about(l, section, NULL);
	if (index == ZONES_MAX) {
		config_complain(l, "there are more than %d zones; remove some", ZONES_MAX);
		return -1;
	}
	l->line = l->config->zones[index].line = l->zone_lines[index];
	check_zone_name(l, section->title);
	if (config_set_text(&l->config->zones[index].name, section->title) < 0)
		return -1;
	if (++l->config->zone_count == ZONES_MAX)
		return 0;
	return set_presets(l, config_zone_keys, config_zone_key_count,
			   &l->config->zones[index + 1]);
}

static void make_options(const struct config_key *keys, size_t count, cfg_opt_t *options)
{
	for (size_t i = 0; i < count; i++)
		options[i] = (cfg_opt_t)CFG_STR_CB(keys[i].name, NULL, CFGF_NODEFAULT, on_value);
	options[count] = (cfg_opt_t)CFG_END();
}

static int parse(struct config_load *l, char *text)
{
	cfg_opt_t zone[CONFIG_KEYS_MAX + 1], global[CONFIG_KEYS_MAX + 2];
	CLEANUP(cleanup_fclose) FILE *file = fmemopen(text, strlen(text), "r");

	if (!file)
		return -errno;
	make_options(config_zone_keys, config_zone_key_count, zone);
	make_options(config_global_keys, config_global_key_count, global + 1);
	global[0] = (cfg_opt_t)CFG_SEC("zone", zone, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);

	cfg_t *cfg = cfg_init(global, CFGF_NONE);

	if (!cfg)
		return -ENOMEM;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "zone", on_zone);
	loading = l;
	int r = cfg_parse_fp(cfg, file) == CFG_SUCCESS ? 0 : l->errors ? -EINVAL : -ENOMEM;

	loading = NULL;
	cfg_free(cfg);
	l->zone = l->key = NULL;
	return r;
}

static int load_text(struct config_load *l, const char *text, size_t len)
{
	CLEANUP(cleanup_free) char *rewritten = NULL;
	int r = config_rewrite(l, text, len, &rewritten);

	if (r == 0)
		r = set_presets(l, config_global_keys, config_global_key_count, l->config);
	if (r == 0)
		r = set_presets(l, config_zone_keys, config_zone_key_count, &l->config->zones[0]);
	if (r == 0)
		r = parse(l, rewritten);
	if (r == 0)
		config_cross_check(l);
	return r == 0 && l->errors ? -EINVAL : r;
}

int config_load_text(const char *path, const char *text, size_t len, FILE *out,
		     struct config **ret_config)
{
	char folder[PATH_MAX], real[PATH_MAX];
	struct config *config = calloc(1, sizeof(*config));
	struct config_load l = {.path = path, .folder = folder, .out = out, .config = config};

	if (!config)
		return -ENOMEM;
	if (snprintf(folder, sizeof(folder), "%s", path) >= PATH_MAX ||
	    !realpath(dirname(folder), real))
		l.folder = ".";
	else
		l.folder = real;

	int r = config_set_text(&config->path, path);

	if (r == 0)
		r = load_text(&l, text, len);
	if (r == -ENOMEM)
		fprintf(out, "%s: out of memory\n", path);
	if (r < 0) {
		config_destroy(config);
		return r;
	}
	*ret_config = config;
	return 0;
}

int config_load(const char *path, FILE *out, struct config **ret_config)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t len;
	int r = config_read_file(path, &text, &len);

	if (r == -EFBIG)
		fprintf(out, "%s: the file is larger than %d bytes; make it smaller\n", path,
			CONFIG_FILE_MAX);
	else if (r < 0)
		fprintf(out, "%s: the file cannot be read: %s\n", path, strerror(-r));
	return r < 0 ? r : config_load_text(path, text, len, out, ret_config);
}

void config_zone_release(struct zone_config *zone)
{
	free(zone->name);
	pair_forget(&zone->pair);
	for (size_t i = 0; i < config_zone_key_count; i++) {
		if (config_zone_keys[i].type == FIELD_TEXT)
			free(*(char **)config_field(&config_zone_keys[i], zone));
	}
	memset(zone, 0, sizeof(*zone));
}

void config_destroy(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < ZONES_MAX; i++)
		config_zone_release(&config->zones[i]);
	pair_forget(&config->pair);
	for (size_t i = 0; i < config_global_key_count; i++) {
		if (config_global_keys[i].type == FIELD_TEXT)
			free(*(char **)config_field(&config_global_keys[i], config));
	}
	free(config->path);
	free(config);
}

int config_find_zone(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->zone_count; i++) {
		if (config->zones[i].name && strcmp(config->zones[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

size_t config_queues(const struct config *config)
{
	for (size_t i = 0; i < config->zone_count; i++) {
		if (config->zones[i].divert == DIVERT_QUEUE)
			return config->workers;
	}
	return 0;
}

const char *config_place(const struct config *config, const struct zone_config *zone,
			 const char *key, char text[static CONFIG_PLACE_MAX])
{
	const unsigned int line = config_line(config, zone, key);
	char at[16] = "";

	if (line)
		snprintf(at, sizeof(at), ":%u", line);
	if (zone)
		snprintf(text, CONFIG_PLACE_MAX, "%s%s: zone \"%s\": %s", config->path, at,
			 zone->name, key);
	else
		snprintf(text, CONFIG_PLACE_MAX, "%s%s: %s", config->path, at, key);
	return text;
}

unsigned int config_line(const struct config *config, const struct zone_config *zone,
			 const char *key)
{
	size_t index;

	if (!config_find_key(zone, key, &index))
		return zone ? zone->line : 0;
	if (!zone)
		return config->lines[index];
	return zone->lines[index] ? zone->lines[index] : zone->line;
}
