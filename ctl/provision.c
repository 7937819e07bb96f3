/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `portalctl dnsmasq` and its like share: what the gateway says, checked, and the printing. */
#include <stdarg.h>
#include <string.h>

#include "common/cleanup.h"
#include "ctl/provision.h"

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char https[] = "https://";

void provision_add(json_t *lines, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	json_array_append_new(lines, json_vsprintf(fmt, args));
	va_end(args);
}

/* Configurations part their values by blanks, commas, quotes and braces; '#' begins a comment. */
static bool is_plain(const char *text)
{
	return *text && !text[strspn(text, LETTERS_AND_DIGITS "-_.@")];
}

/* https, a plain name, a path */
static bool is_uri(const char *text)
{
	const size_t len = strlen(https);

	return strncmp(text, https, len) == 0 &&
	       strspn(text + len, LETTERS_AND_DIGITS "-_./") == strlen(text + len);
}

static enum status check_zones(const json_t *zones)
{
	const json_t *zone;
	size_t i;

	if (!json_is_array(zones))
		return ctl_nonsense("a status");
	json_array_foreach (zones, i, zone) {
		const char *interface = json_string_value(json_object_get(zone, "interface")),
			   *name = json_string_value(json_object_get(zone, "name"));

		if (!interface || !name || !is_plain(name))
			return ctl_nonsense("a zone");
		if (!is_plain(interface)) {
			complain("there is no way to write the interface \"%s\"", interface);
			return STATUS_REFUSED;
		}
	}
	return STATUS_DONE;
}

/* Borrows from the answer. */
static enum status parse(const json_t *answer, struct provision *ret_p)
{
	const struct provision p = {
		.name = json_string_value(json_object_get(answer, "hostname")),
		.api = json_string_value(json_object_get(answer, "api")),
		.zones = json_object_get(answer, "zones"),
	};

	if (p.name && !is_plain(p.name))
		return ctl_nonsense("a host name");
	if (p.api && !is_uri(p.api))
		return ctl_nonsense("an API");
	*ret_p = p;
	return check_zones(p.zones);
}

static void add_reason(json_t *lines, const char *comment, const json_t *answer)
{
	const char *why = json_string_value(json_object_get(answer, "no-api"));

	provision_add(lines, "%s no captive portal API for DHCP and router advertisements: %s",
		      comment, why && !strchr(why, '\n') ? why : "portald does not say why");
}

enum status provision_print(struct ctl *ctl, const char *comment,
			    void (*make)(const struct provision *p, json_t *lines))
{
	CLEANUP(cleanup_json) json_t *answer = NULL, *all = json_pack("{s:[]}", "lines");
	json_t *lines = json_object_get(all, "lines"), *line;
	struct provision p;
	enum status status = ctl_ask(ctl, json_pack("{s:s}", "verb", "status"), &answer);
	size_t i;

	if (status == STATUS_DONE)
		status = parse(answer, &p);
	if (status != STATUS_DONE)
		return status;
	provision_add(lines, "%s from portalctl", comment);
	make(&p, lines);
	if (!p.api)
		add_reason(lines, comment, answer);
	if (ctl->json) {
		ctl_print_json(all);
		return STATUS_DONE;
	}
	json_array_foreach (lines, i, line)
		puts(json_string_value(line));
	return STATUS_DONE;
}
