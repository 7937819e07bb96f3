/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnsmasq: the lines of configuration that the resolver of the guest networks needs.  They name
 * interfaces in place of addresses, so that they stay right when an address changes.
 */
#include <stdarg.h>
#include <string.h>

#include "common/cleanup.h"
#include "ctl/ctl.h"

/* dnsmasq parts its values by commas, and its lines by their ends; '#' begins a comment. */
static bool is_plain(const char *text)
{
	return *text && !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789-_.@")];
}

static void add(json_t *lines, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(json_t *lines, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	json_array_append_new(lines, json_vsprintf(fmt, args));
	va_end(args);
}

/* The portal's name leads each guest to the address of its own zone.  dnsmasq picks it for IPv4
 * only (localise-queries); of several zones' IPv6 addresses guests would get all, and the gateway
 * answers them at their own zone's alone. */
static enum status add_name(json_t *lines, const char *name, const json_t *zones)
{
	const size_t count = json_array_size(zones);
	const json_t *zone;
	size_t i;

	if (!is_plain(name))
		return ctl_nonsense("a host name");
	if (count > 1)
		add(lines, "localise-queries");
	json_array_foreach (zones, i, zone) {
		const char *interface = json_string_value(json_object_get(zone, "interface"));

		if (!interface)
			return ctl_nonsense("a zone");
		if (!is_plain(interface)) {
			complain("dnsmasq has no way to write the interface \"%s\"", interface);
			return STATUS_REFUSED;
		}
		add(lines, "interface-name=%s,%s%s", name, interface, count > 1 ? "/4" : "");
	}
	return STATUS_DONE;
}

static enum status make_lines(const json_t *answer, json_t *lines)
{
	const json_t *zones = json_object_get(answer, "zones"),
		     *name = json_object_get(answer, "hostname");

	if (!json_is_array(zones))
		return ctl_nonsense("a status");
	add(lines, "# from portalctl dnsmasq");
	if (json_is_string(name))
		return add_name(lines, json_string_value(name), zones);
	add(lines, "# nothing to resolve: portald.conf sets no hostname, links show addresses");
	return STATUS_DONE;
}

static enum status run_dnsmasq(struct ctl *ctl)
{
	CLEANUP(cleanup_json) json_t *answer = NULL, *all = json_pack("{s:[]}", "lines");
	json_t *lines = json_object_get(all, "lines"), *line;
	enum status status = ctl_ask(ctl, json_pack("{s:s}", "verb", "status"), &answer);
	size_t i;

	if (status == STATUS_DONE)
		status = make_lines(answer, lines);
	if (status != STATUS_DONE)
		return status;
	if (ctl->json) {
		ctl_print_json(all);
		return STATUS_DONE;
	}
	json_array_foreach (lines, i, line)
		puts(json_string_value(line));
	return STATUS_DONE;
}

const struct command command_dnsmasq = {
	.name = "dnsmasq",
	.usage = "",
	.summary = "the lines for dnsmasq that make the portal's name known",
	.help = "Prints lines for dnsmasq, the resolver of the guest networks: the portal's name (hostname in\n"
		"portald.conf) leads each guest to the gateway's address in its own zone.  With more than one zone\n"
		"to its IPv4 address only.  Print them again when hostname or the zones change.\n\n"
		"examples:\n"
		"  portalctl dnsmasq > /etc/dnsmasq.d/portald.conf && systemctl restart dnsmasq\n",
	.run = run_dnsmasq,
};
