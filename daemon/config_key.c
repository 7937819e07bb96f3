/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema of portald.conf: two tables, and a parser for each kind of value.  A parser says with
 * config_complain() what is wrong with the value and how to mend it; it looks at this one value
 * only.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/duration.h"
#include "common/text.h"
#include "daemon/config_file.h"
#include "daemon/config_parse.h"

enum {
	TITLE_MAX = 128, /* bytes */
	USER_MAX = 31,
	LANG_MAX = 35,	     /* RFC 5646, 4.4.1 */
	REFRESH_MAX = 60,    /* seconds */
	LIMIT_MAX = 1000000, /* a second; the gate allows bursts of five times as many */
};

int config_set_text(char **field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* Decimal, or hexadecimal with 0x. */
static int parse_number(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	const bool hex = value[0] == '0' && value[1] == 'x';
	const char *digits = value + (hex ? 2 : 0);

	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return config_complain(l, "\"%s\" is no number; write one between %u and %u", value,
				       key->min, key->max);
	errno = 0;
	unsigned long long n = strtoull(digits, NULL, hex ? 16 : 10);

	if (errno || n < key->min || n > key->max)
		return config_complain(l, "it must be between %u and %u, not %s", key->min,
				       key->max, value);
	if (key->type == FIELD_PORT)
		*(uint16_t *)field = (uint16_t)n;
	else
		*(uint32_t *)field = (uint32_t)n;
	return 0;
}

/* Guests' port 80 is the one that is diverted, and what comes for the others is theirs by rule. */
static int parse_port(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	static const struct {
		uint16_t port;
		const char *what;
	} taken[] = {{53, "is for DNS"},
		     {67, "is for DHCP"},
		     {80, "of strangers is diverted, so nothing can be reached there"},
		     {443, "is the portal's own, and leads to tls-port by rule"},
		     {547, "is for DHCPv6"}};
	int r = parse_number(l, key, value, field);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (*(uint16_t *)field == taken[i].port)
			return config_complain(l,
					       "port %u %s; take a free one, or leave the key out",
					       taken[i].port, taken[i].what);
	}
	return 0;
}

static int parse_mark(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	int r = parse_number(l, key, value, field);

	if (r < 0)
		return r;
	if (__builtin_popcount(*(uint32_t *)field) != 1)
		return config_complain(l,
				       "%s has more than one bit; take one that nothing else uses, "
				       "for instance 0x00800000",
				       value);
	return 0;
}

int config_parse_duration(struct config_load *l, const struct config_key *key, const char *value,
			  void *field)
{
	uint64_t seconds;
	int r = duration_parse(value, &seconds);

	if (r == -EINVAL)
		return config_complain(l, "\"%s\" is no time; write it as 90s, 30m, 8h or 7d",
				       value);
	if (r < 0 || seconds < key->min || seconds > key->max)
		return config_complain(l, "it must be between %us and %ud, not %s", key->min,
				       key->max / 86400, value);
	*(uint64_t *)field = seconds;
	return 0;
}

static int parse_level(struct config_load *l, const struct config_key *key, const char *value,
		       void *field)
{
	(void)key;
	if (log_parse_level(value, field) < 0)
		return config_complain(l, "\"%s\" is not known; use error, warning, info or debug",
				       value);
	return 0;
}

static int parse_title(struct config_load *l, const struct config_key *key, const char *value,
		       void *field)
{
	(void)key;
	if (!*value || strlen(value) > TITLE_MAX)
		return config_complain(l, "a title has 1 to %d bytes", TITLE_MAX);
	if (!text_is_plain(value))
		return config_complain(l, "the text is no UTF-8; save the file as UTF-8");
	return config_set_text(field, value);
}

static int parse_user(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	size_t len = strlen(value);

	(void)key;
	if (len == 0 || len > USER_MAX || value[0] == '-' || isdigit((unsigned char)value[0]) ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
		    len)
		return config_complain(l, "\"%s\" is no user name; write a name like portald",
				       value);
	if (strcmp(value, "root") == 0)
		return config_complain(l, "portald gives its power away and cannot run as root; "
					  "make a user for it");
	return config_set_text(field, value);
}

/* The kernel's dev_valid_name(), and what portald-gate takes (ruleset_zone_valid()): an nft string, in which '*' at the end
 * would match more than one interface, and '"' and '\' would end it. */
bool config_is_interface(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (*p <= ' ' || *p > '~' || strchr("/:\"'\\*", *p))
			return false;
	}
	return *name && strlen(name) < IFNAME_MAX && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int parse_interface(struct config_load *l, const struct config_key *key, const char *value,
			   void *field)
{
	size_t len = strlen(value);

	(void)key;
	if (len == 0 || len >= IFNAME_MAX)
		return config_complain(l,
				       "\"%s\" is no interface; a name has 1 to %d characters "
				       "(see `ip link`)",
				       value, IFNAME_MAX - 1);
	if (!config_is_interface(value))
		return config_complain(
			l,
			"\"%s\" is no interface; a name is ASCII without blanks and / : * \" ' \\ "
			"(see `ip link`)",
			value);
	return config_set_text(field, value);
}

static int parse_login(struct config_load *l, const struct config_key *key, const char *value,
		       void *field)
{
	(void)key;
	(void)field;
	if (strcmp(value, "click-through") == 0)
		return 0;
	return config_complain(l, "\"%s\" is not known; use \"click-through\"", value);
}

static int parse_colour(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	(void)key;
	if (value[0] != '#' || strlen(value) != 7 ||
	    strspn(value + 1, "0123456789abcdefABCDEF") != 6)
		return config_complain(
			l,
			"\"%s\" is no colour; write it as \"#1f5fbf\" (with the quotation "
			"marks)",
			value);
	return config_set_text(field, value);
}

/* RFC 5646, 2.1 */
static int parse_lang(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	size_t len = strlen(value), part = 0;
	bool fine = len >= 2 && len <= LANG_MAX && isalpha((unsigned char)value[0]);

	(void)key;
	for (size_t i = 0; fine && i < len; i++) {
		const bool dash = value[i] == '-';

		fine = dash ? part > 0 && i + 1 < len
			    : isalnum((unsigned char)value[i]) && part < 8;
		part = dash ? 0 : part + 1;
	}
	if (!fine)
		return config_complain(
			l, "\"%s\" is no language tag; write it like en, de-CH or ar", value);
	return config_set_text(field, value);
}

static int parse_folder(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	(void)key;
	return config_resolve(l, value, field);
}

static int parse_run_dir(struct config_load *l, const struct config_key *key, const char *value,
			 void *field)
{
	const size_t room =
		sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("/control.sock");
	int r = parse_folder(l, key, value, field);

	if (r < 0)
		return r;
	if (strlen(*(char **)field) > room)
		return config_complain(
			l, "the path is too long for a socket in it; use one of at most %zu bytes",
			room);
	return 0;
}

static int parse_file(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	int r = parse_folder(l, key, value, field);

	return r < 0 ? r : config_check_file(l, *(char **)field);
}

/* The web worker tells browsers the type by the ending (daemon/pages.c). */
static int parse_logo(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	static const char *const endings[] = {".svg", ".png", ".jpg", ".jpeg", ".webp", ".gif"};
	const char *ending = strrchr(value, '.');

	for (size_t i = 0; ending && i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (strcasecmp(ending, endings[i]) == 0)
			return parse_file(l, key, value, field);
	}
	return config_complain(
		l,
		"%s is no image that browsers know; its name must end in .svg, .png, .jpg, "
		".jpeg, .webp or .gif",
		value);
}

static int parse_pages(struct config_load *l, const struct config_key *key, const char *value,
		       void *field)
{
	int r = parse_folder(l, key, value, field);

	return r < 0 ? r : config_check_pages(l, *(char **)field);
}

#define GLOBAL(member) offsetof(struct config, member)
#define ZONE(member)   offsetof(struct zone_config, member)

/* clang-format off */
const struct config_key config_global_keys[] = {
	{"hostname", config_parse_hostname, NULL, GLOBAL(hostname), FIELD_TEXT, false, 0, 0},
	{"certificate", config_parse_certificate, NULL, GLOBAL(pair.certificate), FIELD_TEXT, false, 0, 0},
	{"certificate-key", config_parse_certificate, NULL, GLOBAL(pair.key), FIELD_TEXT, false, 0, 0},
	{"certificate-ocsp", config_parse_certificate, NULL, GLOBAL(pair.ocsp), FIELD_TEXT, false, 0, 0},
	{"advertise-api", config_parse_yes, "no", GLOBAL(advertise_api), FIELD_U32, false, 0, 0},
	{"state-dir", parse_folder, "/var/lib/portald", GLOBAL(state_dir), FIELD_TEXT, true, 0, 0},
	{"run-dir", parse_run_dir, "/run/portald", GLOBAL(run_dir), FIELD_TEXT, true, 0, 0},
	{"user", parse_user, "portald", GLOBAL(user), FIELD_TEXT, true, 0, 0},
	{"workers", parse_number, NULL, GLOBAL(workers), FIELD_U32, true, 1, WORKERS_MAX},
	{"mark", parse_mark, "0x00800000", GLOBAL(mark), FIELD_U32, true, 1, UINT32_MAX},
	{"queue-first", parse_number, "0", GLOBAL(queue_first), FIELD_U32, true, 0, UINT16_MAX - WORKERS_MAX},
	{"accounting", config_parse_duration, "10s", GLOBAL(accounting), FIELD_U64, false, 1, 86400},
	{"metrics", config_parse_listen, NULL, GLOBAL(metrics), FIELD_TEXT, true, 0, 0},
	{"log-level", parse_level, "info", GLOBAL(log_level), FIELD_LEVEL, false, 0, 0},
};

const struct config_key config_zone_keys[] = {
	{"interface", parse_interface, NULL, ZONE(interface), FIELD_TEXT, true, 0, 0},
	{"hostname", config_parse_hostname, NULL, ZONE(hostname), FIELD_TEXT, false, 0, 0},
	{"certificate", config_parse_certificate, NULL, ZONE(pair.certificate), FIELD_TEXT, false, 0, 0},
	{"certificate-key", config_parse_certificate, NULL, ZONE(pair.key), FIELD_TEXT, false, 0, 0},
	{"certificate-ocsp", config_parse_certificate, NULL, ZONE(pair.ocsp), FIELD_TEXT, false, 0, 0},
	{"divert", config_parse_divert, "redirect", ZONE(divert), FIELD_U32, true, 0, 0},
	{"probes", config_parse_probes, "compatible", ZONE(probes), FIELD_U32, false, 0, 0},
	{"redirect-probes", config_parse_redirect_probes, NULL, ZONE(redirect_probes), FIELD_TEXT, false, 0, 0},
	{"login", parse_login, NULL, 0, FIELD_NONE, false, 0, 0},
	{"session", config_parse_duration, "8h", ZONE(session), FIELD_U64, false, 1, CONFIG_SESSION_MAX},
	{"extend", config_parse_extend, "none", ZONE(extend), FIELD_U64, false, 60, CONFIG_SESSION_MAX},
	{"extend-max", config_parse_extend, "none", ZONE(extend_max), FIELD_U64, false, 1, CONFIG_SESSION_MAX},
	{"idle", config_parse_idle, "none", ZONE(limits.idle), FIELD_U64, false, 0, 0},
	{"quota-up", config_parse_bytes, "none", ZONE(limits.quota_up), FIELD_U64, false, 0, 0},
	{"quota-down", config_parse_bytes, "none", ZONE(limits.quota_down), FIELD_U64, false, 0, 0},
	{"quota-total", config_parse_bytes, "none", ZONE(limits.quota_total), FIELD_U64, false, 0, 0},
	{"rate-up", config_parse_rate, "none", ZONE(limits.rate_up), FIELD_U64, false, 0, 0},
	{"rate-down", config_parse_rate, "none", ZONE(limits.rate_down), FIELD_U64, false, 0, 0},
	{"portal-port", parse_port, NULL, ZONE(portal_port), FIELD_PORT, true, 1, UINT16_MAX},
	{"divert-port", parse_port, NULL, ZONE(divert_port), FIELD_PORT, true, 1, UINT16_MAX},
	{"tls-port", parse_port, NULL, ZONE(tls_port), FIELD_PORT, true, 1, UINT16_MAX},
	{"title", parse_title, "Guest network", ZONE(title), FIELD_TEXT, false, 0, 0},
	{"refresh", parse_number, "0", ZONE(refresh), FIELD_U32, false, 0, REFRESH_MAX},
	{"connection-limit", parse_number, "20", ZONE(connection_limit), FIELD_U32, false, 1, LIMIT_MAX},
	{"connection-ceiling", parse_number, "1500", ZONE(connection_ceiling), FIELD_U32, false, 1, LIMIT_MAX},
	{"packet-ceiling", parse_number, "10000", ZONE(packet_ceiling), FIELD_U32, false, 1, LIMIT_MAX},
	{"dns-limit", parse_number, "20", ZONE(dns_limit), FIELD_U32, false, 1, LIMIT_MAX},
	{"refuse-limit", parse_number, "20", ZONE(refuse_limit), FIELD_U32, false, 1, LIMIT_MAX},
	{"walled-garden", config_parse_garden, "none", ZONE(garden), FIELD_TEXT, false, 0, 0},
	{"accent", parse_colour, "#1f5fbf", ZONE(accent), FIELD_TEXT, false, 0, 0},
	{"accent-dark", parse_colour, "#8ab4f8", ZONE(accent_dark), FIELD_TEXT, false, 0, 0},
	{"logo", parse_logo, NULL, ZONE(logo), FIELD_TEXT, false, 0, 0},
	{"terms", parse_file, NULL, ZONE(terms), FIELD_TEXT, false, 0, 0},
	{"pages", parse_pages, NULL, ZONE(pages), FIELD_TEXT, false, 0, 0},
	{"venue-info-url", config_parse_url, NULL, ZONE(venue_info_url), FIELD_TEXT, false, 0, 0},
	{"lang", parse_lang, "en", ZONE(lang), FIELD_TEXT, false, 0, 0},
};
/* clang-format on */

const size_t config_global_key_count = sizeof(config_global_keys) / sizeof(config_global_keys[0]);
const size_t config_zone_key_count = sizeof(config_zone_keys) / sizeof(config_zone_keys[0]);

_Static_assert(sizeof(config_global_keys) / sizeof(config_global_keys[0]) <= CONFIG_KEYS_MAX,
	       "room for lines");
_Static_assert(sizeof(config_zone_keys) / sizeof(config_zone_keys[0]) <= CONFIG_KEYS_MAX,
	       "room for lines");

void *config_field(const struct config_key *key, const void *base)
{
	return (char *)(uintptr_t)base + key->offset;
}

const struct config_key *config_find_key(bool in_zone, const char *name, size_t *ret_index)
{
	const struct config_key *keys = in_zone ? config_zone_keys : config_global_keys;
	const size_t count = in_zone ? config_zone_key_count : config_global_key_count;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(keys[i].name, name) == 0) {
			if (ret_index)
				*ret_index = i;
			return &keys[i];
		}
	}
	return NULL;
}
