/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnsmasq: the lines of configuration that the resolver and DHCP server of the guest networks needs.
 * They name interfaces in place of addresses, so that they stay right when an address changes.
 */
#include <string.h>

#include "ctl/provision.h"

static bool has_name(const json_t *zone, const char *name)
{
	const char *hostname = provision_text(zone, "hostname");

	return hostname && strcmp(hostname, name) == 0;
}

static size_t count_name(const json_t *zones, const char *name)
{
	const json_t *zone;
	size_t i, count = 0;

	json_array_foreach (zones, i, zone)
		count += has_name(zone, name);
	return count;
}

/* A name of one zone leads to both addresses of its interface.  One that several zones share leads
 * each guest to the address of its own zone: dnsmasq picks it for IPv4 only (localise-queries); of
 * several zones' IPv6 addresses guests would get all, and the gateway answers them at their own
 * zone's alone.  False: there is no name. */
static bool add_names(json_t *lines, const json_t *zones)
{
	bool localised = false, any = false;
	const json_t *zone;
	size_t i;

	json_array_foreach (zones, i, zone) {
		const char *name = provision_text(zone, "hostname");
		const bool shared = name && count_name(zones, name) > 1;

		if (!name)
			continue;
		if (shared && !localised)
			provision_add(lines, "localise-queries");
		localised = localised || shared;
		any = true;
		provision_add(lines, "interface-name=%s,%s%s", name,
			      provision_text(zone, "interface"), shared ? "/4" : "");
	}
	return any;
}

/* A zone's interface is a tag of the requests that come from it: other networks of the same dnsmasq
 * have no portal.  Forced: devices that do not ask for the option get it as well (RFC 8910, 2). */
static void add_api(json_t *lines, const json_t *zone)
{
	const char *interface = provision_text(zone, "interface"),
		   *api = provision_text(zone, "api");

	if (!api)
		return;
	provision_add(lines, "dhcp-option-force=tag:%s,%d,%s", interface, CAPTIVE_PORTAL_DHCPV4,
		      api);
	provision_add(lines, "dhcp-option-force=tag:%s,option6:%d,%s", interface,
		      CAPTIVE_PORTAL_DHCPV6, api);
}

static void make_lines(const struct provision *p, json_t *lines)
{
	const json_t *zone;
	size_t i;

	if (!add_names(lines, p->zones))
		provision_add(lines, "# nothing to resolve: portald.conf sets no hostname, links "
				     "show addresses");
	json_array_foreach (p->zones, i, zone)
		add_api(lines, zone);
}

static enum status run_dnsmasq(struct ctl *ctl)
{
	return provision_print(ctl, "#", make_lines);
}

const struct command command_dnsmasq = {
	.name = "dnsmasq",
	.usage = "",
	.summary = "the lines for dnsmasq: the portal's name, and its API for DHCP",
	.help = "Prints lines for dnsmasq, the resolver of the guest networks: the portal's name (hostname in\n"
		"portald.conf) leads each guest to the gateway's address in its own zone.  With more than one zone\n"
		"to its IPv4 address only; and, if advertise-api is set, where the captive portal API is, in DHCP\n"
		"(option 114) and DHCPv6 (103).  Print them again when hostname, advertise-api or the zones change.\n\n"
		"examples:\n"
		"  portalctl dnsmasq > /etc/dnsmasq.d/portald.conf && systemctl restart dnsmasq\n",
	.run = run_dnsmasq,
};
