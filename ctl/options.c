/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of all commands: a table, and a function for each that takes its value. */
#include <getopt.h>
#include <string.h>

#include "common/duration.h"
#include "common/proto.h"
#include "common/text.h"
#include "ctl/ctl.h"
#include "ctl/options.h"

static bool set_zone(struct ctl *ctl, const char *value)
{
	ctl->zone = value;
	return *value && strlen(value) < ZONE_NAME_MAX;
}

static bool set_for(struct ctl *ctl, const char *value)
{
	ctl->sign = *value == '+' ? 1 : *value == '-' ? -1 : 0;
	value += ctl->sign != 0;
	return duration_parse(value, &ctl->seconds) == 0 && ctl->seconds > 0;
}

/* The option is the limit's name. */
static bool set_limit(struct ctl *ctl, size_t i, const char *value)
{
	ctl->limits_given |= 1U << i;
	return limit_parse(limit_fields[i].unit, value, limit_at(&ctl->limits, i)) == 0;
}

static bool set_idle(struct ctl *ctl, const char *value)
{
	return set_limit(ctl, 0, value);
}

static bool set_quota_up(struct ctl *ctl, const char *value)
{
	return set_limit(ctl, 1, value);
}

static bool set_quota_down(struct ctl *ctl, const char *value)
{
	return set_limit(ctl, 2, value);
}

static bool set_quota_total(struct ctl *ctl, const char *value)
{
	return set_limit(ctl, 3, value);
}

static bool set_rate_up(struct ctl *ctl, const char *value)
{
	return set_limit(ctl, 4, value);
}

static bool set_rate_down(struct ctl *ctl, const char *value)
{
	return set_limit(ctl, 5, value);
}

static bool set_since(struct ctl *ctl, const char *value)
{
	return duration_parse(value, &ctl->since) == 0 && ctl->since > 0;
}

static bool set_note(struct ctl *ctl, const char *value)
{
	ctl->note = value;
	return strlen(value) < NOTE_MAX && text_is_plain(value);
}

static bool set_file(struct ctl *ctl, const char *value)
{
	ctl->file = value;
	return *value;
}

static bool set_all(struct ctl *ctl, const char *value)
{
	(void)ctl;
	return !value;
}

static bool set_socket(struct ctl *ctl, const char *value)
{
	ctl->socket = value;
	return *value;
}

static bool set_timeout(struct ctl *ctl, const char *value)
{
	return duration_parse(value, &ctl->timeout) == 0 && ctl->timeout > 0;
}

static bool set_json(struct ctl *ctl, const char *value)
{
	ctl->json = true;
	return !value;
}

static bool set_help(struct ctl *ctl, const char *value)
{
	ctl->help = true;
	return !value;
}

static bool set_version(struct ctl *ctl, const char *value)
{
	ctl->version = true;
	return !value;
}

#define QUOTA_TEXT "an amount of bytes like 500M, 1.5G or 20Gi, or none"
#define RATE_TEXT  "bits a second like 512k, 20M or 1G, or none"

static const struct {
	const char *name;
	char letter; /* short form, or 0 */
	bool argument;
	enum option_bit bit;
	bool (*set)(struct ctl *ctl, const char *value);
	const char *expected;
} options[] = {
	{"zone", 0, true, OPTION_ZONE, set_zone, "a zone's name"},
	{"for", 0, true, OPTION_FOR, set_for, "a time like 90s, 30m, 8h or 7d"},
	{"idle", 0, true, OPTION_LIMITS, set_idle, "a time like 30m, or none"},
	{"quota-up", 0, true, OPTION_LIMITS, set_quota_up, QUOTA_TEXT},
	{"quota-down", 0, true, OPTION_LIMITS, set_quota_down, QUOTA_TEXT},
	{"quota-total", 0, true, OPTION_LIMITS, set_quota_total, QUOTA_TEXT},
	{"rate-up", 0, true, OPTION_LIMITS, set_rate_up, RATE_TEXT},
	{"rate-down", 0, true, OPTION_LIMITS, set_rate_down, RATE_TEXT},
	{"since", 0, true, OPTION_SINCE, set_since, "a time like 12h or 30d"},
	{"note", 0, true, OPTION_NOTE, set_note,
	 "a text of at most 95 bytes without control characters"},
	{"file", 0, true, OPTION_FILE, set_file, "a file, or - for the standard input"},
	{"all", 0, false, OPTION_ALL, set_all, ""},
	{"blocked", 0, false, OPTION_BLOCKED, set_all, ""},
	{"trusted", 0, false, OPTION_TRUSTED, set_all, ""},
	{"socket", 0, true, OPTION_COMMON, set_socket, "a path"},
	{"timeout", 0, true, OPTION_COMMON, set_timeout, "a time like 30s"},
	{"json", 0, false, OPTION_COMMON, set_json, ""},
	{"help", 'h', false, OPTION_COMMON, set_help, ""},
	{"version", 'V', false, OPTION_COMMON, set_version, ""},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

_Static_assert(NOTE_MAX == 96, "as the help says");

int options_parse(struct ctl *ctl, int argc, char **argv)
{
	struct option longs[OPTIONS + 1] = {0};
	int index, c;

	for (size_t i = 0; i < OPTIONS; i++)
		longs[i] = (struct option){options[i].name, options[i].argument, NULL, (int)i};
	while ((c = getopt_long(argc, argv, "hV", longs, &index)) != -1) {
		if (c == '?')
			return -1; /* getopt has told */
		for (index = 0; c >= OPTIONS && options[index].letter != c;)
			index++;
		index = c < OPTIONS ? c : index;
		if (!options[index].set(ctl, optarg)) {
			complain("--%s wants %s, not \"%s\"", options[index].name,
				 options[index].expected, optarg);
			return -1;
		}
		ctl->given |= options[index].bit;
	}
	return 0;
}

const char *option_name(const struct ctl *ctl, unsigned int bits)
{
	for (size_t i = 0; bits & OPTION_LIMITS && i < SESSION_LIMITS; i++) {
		if (ctl->limits_given & 1U << i)
			return limit_fields[i].name;
	}
	for (size_t i = 0; i < OPTIONS; i++) {
		if (bits & options[i].bit)
			return options[i].name;
	}
	return "";
}
