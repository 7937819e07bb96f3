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

const char *provision_text(const json_t *zone, const char *key)
{
	return json_string_value(json_object_get(zone, key));
}

static enum status check_zone(const json_t *zone)
{
	const char *interface = provision_text(zone, "interface"),
		   *name = provision_text(zone, "name"),
		   *hostname = provision_text(zone, "hostname"), *api = provision_text(zone, "api");

	if (!interface || !name || !is_plain(name))
		return ctl_nonsense("a zone");
	if (!is_plain(interface)) {
		complain("there is no way to write the interface \"%s\"", interface);
		return STATUS_REFUSED;
	}
	if (hostname && !is_plain(hostname))
		return ctl_nonsense("a host name");
	return api && !is_uri(api) ? ctl_nonsense("an API") : STATUS_DONE;
}

/* Borrows from the answer. */
static enum status parse(const json_t *answer, struct provision *ret_p)
{
	const json_t *zones = json_object_get(answer, "zones"), *zone;
	enum status status = STATUS_DONE;
	size_t i;

	if (!json_is_array(zones))
		return ctl_nonsense("a status");
	json_array_foreach (zones, i, zone) {
		if (status == STATUS_DONE)
			status = check_zone(zone);
	}
	ret_p->zones = zones;
	return status;
}

/* With the zone's name if there are several. */
static void add_reasons(json_t *lines, const char *comment, const struct provision *p)
{
	const bool several = json_array_size(p->zones) > 1;
	const json_t *zone;
	size_t i;

	json_array_foreach (p->zones, i, zone) {
		const char *why = provision_text(zone, "no-api");

		if (provision_text(zone, "api"))
			continue;
		provision_add(lines,
			      "%s no captive portal API for DHCP and router advertisements%s%s: %s",
			      comment, several ? " of zone " : "",
			      several ? provision_text(zone, "name") : "",
			      why && !strchr(why, '\n') ? why : "portald does not say why");
	}
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
	add_reasons(lines, comment, &p);
	if (ctl->json) {
		ctl_print_json(all);
		return STATUS_DONE;
	}
	json_array_foreach (lines, i, line)
		puts(json_string_value(line));
	return STATUS_DONE;
}
