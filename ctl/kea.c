/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kea: the option-data of RFC 8910 for kea-dhcp4 and kea-dhcp6.  Kea 2.2 knows the options
 * by name: no option-def is needed, and one would be refused.  always-send: devices that do not ask
 * for the option get it as well (RFC 8910, 2).
 */
#include <string.h>

#include "ctl/provision.h"

static const struct {
	const char *file, *subnet, *name, *space;
	int code;
} options[] = {
	{"kea-dhcp4.conf", "subnet4", "v4-captive-portal", "dhcp4", CAPTIVE_PORTAL_DHCPV4},
	{"kea-dhcp6.conf", "subnet6", "v6-captive-portal", "dhcp6", CAPTIVE_PORTAL_DHCPV6},
};

/* Kea takes comments in its JSON. */
static void add_option(json_t *lines, size_t o, const char *api)
{
	provision_add(lines,
		      "\"option-data\": [{\"name\": \"%s\", \"code\": %d, \"space\": \"%s\", "
		      "\"always-send\": true, \"data\": \"%s\"}]",
		      options[o].name, options[o].code, options[o].space, api);
}

/* Zones that stand behind each other and have the same API share one line. */
static void make_lines(const struct provision *p, json_t *lines)
{
	const json_t *zone;
	size_t i;

	for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++) {
		const char *before = NULL;

		json_array_foreach (p->zones, i, zone) {
			const char *api = provision_text(zone, "api");

			if (!api)
				continue;
			if (before && strcmp(before, api) != 0)
				add_option(lines, o, before);
			provision_add(lines, "// %s: into the %s of %s", options[o].file,
				      options[o].subnet, provision_text(zone, "interface"));
			before = api;
		}
		if (before)
			add_option(lines, o, before);
	}
}

static enum status run_kea(struct ctl *ctl)
{
	return provision_print(ctl, "//", make_lines);
}

const struct command command_kea = {
	.name = "kea",
	.usage = "",
	.summary = "the options for Kea that tell devices of the captive portal API",
	.help = "Prints option-data for kea-dhcp4 (option 114) and kea-dhcp6 (103), 2.2 or newer: where the captive\n"
		"portal API is, if advertise-api is set in portald.conf.  It belongs into the guests' subnets; where\n"
		"there is option-data already, take the part between its brackets.  Print it again when hostname,\n"
		"advertise-api or the zones change.\n\n"
		"examples:\n"
		"  portalctl kea\n",
	.run = run_kea,
};
