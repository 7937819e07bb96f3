/* SPDX-License-Identifier: GPL-2.0-or-later */
/* radvd and odhcpd: the captive portal API in router advertisements (RFC 8910, 2.3).  They pad the
 * option themselves. */
#include "ctl/provision.h"

/* `first` goes before the first zone that has an API. */
static void make(const struct provision *p, json_t *lines, const char *first,
		 void (*add)(json_t *lines, const char *interface, const char *api))
{
	const json_t *zone;
	bool begun = false;
	size_t i;

	json_array_foreach (p->zones, i, zone) {
		const char *api = provision_text(zone, "api");

		if (!api)
			continue;
		if (!begun)
			provision_add(lines, "%s", first);
		begun = true;
		add(lines, provision_text(zone, "interface"), api);
	}
}

static void add_radvd(json_t *lines, const char *interface, const char *api)
{
	provision_add(lines, "interface %s", interface);
	provision_add(lines, "{");
	provision_add(lines, "\tAdvCaptivePortalAPI \"%s\";", api);
	provision_add(lines, "};");
}

static void make_radvd(const struct provision *p, json_t *lines)
{
	make(p, lines, "# for radvd 2.20 or newer; older ones refuse a file with this", add_radvd);
}

static enum status run_radvd(struct ctl *ctl)
{
	return provision_print(ctl, "#", make_radvd);
}

/* The name of the section is the administrator's; portald knows the interface alone. */
static void add_odhcpd(json_t *lines, const char *interface, const char *api)
{
	provision_add(lines, "# into the section of type dhcp that is for %s", interface);
	provision_add(lines, "\toption captive_portal_uri '%s'", api);
}

static void make_odhcpd(const struct provision *p, json_t *lines)
{
	make(p, lines, "# for odhcpd of 2025-11-23 or newer", add_odhcpd);
}

static enum status run_odhcpd(struct ctl *ctl)
{
	return provision_print(ctl, "#", make_odhcpd);
}

const struct command command_radvd = {
	.name = "radvd",
	.usage = "",
	.summary = "the lines for radvd that tell devices of the captive portal API",
	.help = "Prints lines for radvd.conf: where the captive portal API is, in router advertisements (option 37),\n"
		"if advertise-api is set in portald.conf.  An interface that has a block already gets the inner line\n"
		"alone.  radvd knows it from 2.20 on; that of Debian 12 does not.  Print it again when hostname,\n"
		"advertise-api or the zones change.\n\n"
		"examples:\n"
		"  portalctl radvd\n",
	.run = run_radvd,
};

const struct command command_odhcpd = {
	.name = "odhcpd",
	.usage = "",
	.summary = "the lines for odhcpd that tell devices of the captive portal API",
	.help = "Prints lines for /etc/config/dhcp of OpenWrt: where the captive portal API is, in DHCP, DHCPv6 and\n"
		"router advertisements, if advertise-api is set in portald.conf.  Each belongs into the section of\n"
		"its interface.  odhcpd knows it since November 2025.  Print it again when hostname, advertise-api\n"
		"or the zones change.\n\n"
		"examples:\n"
		"  portalctl odhcpd\n",
	.run = run_odhcpd,
};
