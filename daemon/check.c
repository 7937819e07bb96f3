/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces are asked about by rtnetlink and getifaddrs, settings read from /proc/sys/net, which shows
 * each reader its own network namespace; /sys/class/net shows the one in which it was mounted, so
 * nothing here looks there.  A setting that the namespace does not show is not judged.
 *
 * The rules for the tables, A being the number of IPv4 addresses in the prefixes of all zones'
 * interfaces:
 *
 * - IPv4 neighbours: A and an eighth, for the other networks (an entry for each address in use);
 * - IPv6 neighbours: 4 A (a guest has a link-local address, a stable one and temporary ones);
 * - conntrack: 64 A (what one busy guest with a browser keeps open).
 */
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "common/cleanup.h"
#include "common/link.h"
#include "daemon/certificate.h"
#include "daemon/check.h"
#include "daemon/config.h"

enum {
	ADDRESSES_MAX = 131072, /* of all zones: a /8 is not meant to be full */
	CONNTRACK_PER_ADDRESS = 64,
	IPV6_PER_ADDRESS = 4,
	SYSCTL_PATH_MAX = 128,
};

struct check {
	const struct config *config;
	FILE *out;
	size_t warnings;
	struct netlink nl; /* NETLINK_ROUTE; the caller's */
};

static void cleanup_ifaddrs(struct ifaddrs **list)
{
	if (*list)
		freeifaddrs(*list);
}

/* name: with '/', below net.  -1: this namespace has no such setting. */
static long long read_setting(const char *name)
{
	char path[SYSCTL_PATH_MAX];
	long long value = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");

	if (file && fscanf(file, "%lld", &value) != 1)
		return -1;
	return value;
}

/* As sysctl(8) takes it: with dots, unless an interface's name has one. */
static void warn_setting(struct check *k, const char *name, long long value, uint64_t wanted,
			 const char *why)
{
	char dotted[SYSCTL_PATH_MAX];

	snprintf(dotted, sizeof(dotted), "net/%s", name);
	for (char *c = strchr(name, '.') ? NULL : dotted; c && (c = strchr(c, '/'));)
		*c = '.';
	fprintf(k->out, "%s is %lld: %s; set it: sysctl -w %s=%" PRIu64 "\n", dotted, value, why,
		dotted, wanted);
	k->warnings++;
}

static void check_forwarding(struct check *k)
{
	static const struct {
		const char *family, *all, *why;
	} families[] = {
		{"ipv4", "ipv4/ip_forward", "guests do not get IPv4 packets through"},
		{"ipv6", "ipv6/conf/all/forwarding", "guests do not get IPv6 packets through"},
	};
	char name[SYSCTL_PATH_MAX];

	for (size_t f = 0; f < 2; f++) {
		if (read_setting(families[f].all) == 0) {
			warn_setting(k, families[f].all, 0, 1, families[f].why);
			continue;
		}
		for (size_t i = 0; i < k->config->zone_count; i++) {
			snprintf(name, sizeof(name), "%s/conf/%s/forwarding", families[f].family,
				 k->config->zones[i].interface);
			if (read_setting(name) == 0)
				warn_setting(k, name, 0, 1, families[f].why);
		}
	}
}

/* Addresses in the IPv4 prefixes of an interface; whether it has an IPv6 address. */
static uint64_t count_addresses(const struct ifaddrs *list, const char *interface, bool *ret_ipv6)
{
	uint64_t count = 0;

	for (; list; list = list->ifa_next) {
		struct sockaddr_in mask;

		if (!list->ifa_addr || strcmp(list->ifa_name, interface) != 0)
			continue;
		if (list->ifa_addr->sa_family == AF_INET6)
			*ret_ipv6 = true;
		if (list->ifa_addr->sa_family != AF_INET || !list->ifa_netmask)
			continue;
		memcpy(&mask, list->ifa_netmask, sizeof(mask));
		count += (uint64_t)UINT32_MAX - ntohl(mask.sin_addr.s_addr) + 1;
	}
	return count;
}

static uint64_t power_of_two(uint64_t n)
{
	uint64_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/* gc_thresh3 of both families; -1: not known */
struct neighbour_limits {
	long long ipv4, ipv6;
};

static int on_neighbour_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == NDTA_THRESH3 && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		*(long long *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int on_neighbour_table(const struct nlmsghdr *nlh, void *data)
{
	struct neighbour_limits *limits = data;
	const struct ndtmsg *ndt = mnl_nlmsg_get_payload(nlh);

	if (ndt->ndtm_family == AF_INET)
		mnl_attr_parse(nlh, sizeof(*ndt), on_neighbour_attr, &limits->ipv4);
	else if (ndt->ndtm_family == AF_INET6)
		mnl_attr_parse(nlh, sizeof(*ndt), on_neighbour_attr, &limits->ipv6);
	return MNL_CB_OK;
}

/* One pair for the whole kernel: /proc shows it in the first network namespace alone, rtnetlink in
 * each. */
static struct neighbour_limits read_neighbour_limits(struct netlink *nl)
{
	struct neighbour_limits limits = {-1, -1};
	char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = RTM_GETNEIGHTBL;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++nl->seq;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtgenmsg));
	netlink_dump(nl, nlh, on_neighbour_table, &limits);
	return limits;
}

static void check_tables(struct check *k)
{
	const struct neighbour_limits limits = read_neighbour_limits(&k->nl);
	CLEANUP(cleanup_ifaddrs) struct ifaddrs *list = NULL;
	uint64_t addresses = 0;
	bool ipv6 = false;

	if (getifaddrs(&list) < 0)
		return;
	for (size_t i = 0; i < k->config->zone_count; i++)
		addresses += count_addresses(list, k->config->zones[i].interface, &ipv6);
	addresses = MIN(addresses, (uint64_t)ADDRESSES_MAX);

	const struct {
		const char *name;
		long long value;
		uint64_t need;
		const char *why;
	} tables[] = {
		{"ipv4/neigh/default/gc_thresh3", limits.ipv4, addresses + addresses / 8,
		 "a full guest network has more devices than the neighbour table holds"},
		{"ipv6/neigh/default/gc_thresh3", limits.ipv6,
		 ipv6 ? addresses * IPV6_PER_ADDRESS : 0,
		 "a full guest network has more IPv6 addresses than the neighbour table holds"},
		{"netfilter/nf_conntrack_max", read_setting("netfilter/nf_conntrack_max"),
		 addresses * CONNTRACK_PER_ADDRESS,
		 "a full guest network has more connections than the conntrack table holds"},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (tables[i].value >= 0 && (uint64_t)tables[i].value < tables[i].need)
			warn_setting(k, tables[i].name, tables[i].value,
				     power_of_two(tables[i].need), tables[i].why);
	}
}

/* Docker and others load br_netfilter, and then frames between two guests run through forward
 * rules. */
static void check_bridges(struct check *k)
{
	static const char *const names[] = {
		"bridge/bridge-nf-call-iptables",
		"bridge/bridge-nf-call-ip6tables",
	};
	bool bridge = false;
	struct link link;

	for (size_t i = 0; i < k->config->zone_count; i++) {
		if (link_find(&k->nl, k->config->zones[i].interface, &link) == 0)
			bridge = bridge || link.bridge;
	}
	for (size_t i = 0; bridge && i < sizeof(names) / sizeof(names[0]); i++) {
		if (read_setting(names[i]) > 0)
			warn_setting(
				k, names[i], 1, 0,
				"frames between guests on one bridge are filtered as if they were routed");
	}
}

static void tell_zone(const struct config *c, const struct zone_config *zone, const char *key,
		      FILE *out)
{
	fprintf(out, "%s:%u: zone \"%s\": %s: ", c->path, config_line(c, zone, key), zone->name,
		key);
}

static void check_missing(struct check *k)
{
	for (size_t i = 0; i < k->config->zone_count; i++) {
		const struct zone_config *zone = &k->config->zones[i];
		struct link link;

		if (link_find(&k->nl, zone->interface, &link) < 0 || link.index)
			continue;
		tell_zone(k->config, zone, "interface", k->out);
		fprintf(k->out, "there is no %s yet; the zone works as soon as it comes\n",
			zone->interface);
		k->warnings++;
	}
}

size_t check_host(const struct config *c, FILE *out)
{
	CLEANUP(netlink_finish) struct netlink nl = {0};
	struct check k = {.config = c, .out = out, .warnings = certificate_warn(c, out)};
	int r = netlink_init(&nl, NETLINK_ROUTE, 0);

	if (r < 0) {
		fprintf(out, "the host cannot be checked: rtnetlink: %s\n", strerror(-r));
		return 1;
	}
	k.nl = nl;
	check_missing(&k);
	check_forwarding(&k);
	check_tables(&k);
	check_bridges(&k);
	return k.warnings;
}

/* Why no zone can be on it; NULL: one can, now or when it comes. */
static const char *unfit(const struct link *link)
{
	if (link->index && link->type != ARPHRD_ETHER)
		return "its devices have no MAC addresses; name the guests' Ethernet, Wi-Fi or bridge "
		       "interface";
	if (link->bridge_port)
		return "it is a port of a bridge, where its packets arrive; name the bridge";
	return NULL;
}

int check_interfaces(const struct config *c, FILE *out)
{
	CLEANUP(netlink_finish) struct netlink nl = {0};
	int r = netlink_init(&nl, NETLINK_ROUTE, 0);

	for (size_t i = 0; i < c->zone_count && nl.socket; i++) {
		const struct zone_config *zone = &c->zones[i];
		struct link link = {0};
		int found = link_find(&nl, zone->interface, &link);
		const char *why = found < 0 ? strerror(-found) : unfit(&link);

		if (!why)
			continue;
		tell_zone(c, zone, "interface", out);
		fprintf(out, "%s: %s\n", zone->interface, why);
		r = -EINVAL;
	}
	return r;
}

/* Whether somebody listens on the port of any address.  What else hinders a bind is not known here.
 */
static bool port_in_use(int family, uint16_t port)
{
	CLEANUP(cleanup_close) int sock = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const struct sockaddr *sa =
		family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	const int on = 1;

	if (sock < 0)
		return false;
	/* past connections of the port do not matter, a listener does in spite of this option */
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return bind(sock, sa, family == AF_INET ? sizeof(in) : sizeof(in6)) < 0 &&
	       errno == EADDRINUSE;
}

static int check_port(const struct config *c, const struct zone_config *zone, const char *key,
		      uint16_t port, FILE *out)
{
	if (!port_in_use(AF_INET, port) && !port_in_use(AF_INET6, port))
		return 0;
	tell_zone(c, zone, key, out);
	fprintf(out,
		"port %u is in use; stop what listens there (see `ss -ltnp`) or set %s to a free one\n",
		port, key);
	return -EADDRINUSE;
}

int check_ports(const struct config *c, FILE *out, bool beside_running)
{
	int r = 0;

	if (beside_running)
		return 0;
	for (size_t i = 0; i < c->zone_count; i++) {
		const struct zone_config *zone = &c->zones[i];

		if (check_port(c, zone, "portal-port", zone->portal_port, out) < 0 ||
		    check_port(c, zone, "divert-port", zone->divert_port, out) < 0 ||
		    check_port(c, zone, "tls-port", zone->tls_port, out) < 0)
			r = -EADDRINUSE;
	}
	return r;
}
