/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as a whole: what is missing, what is there twice, and the values that follow
 * from others. */
#include <string.h>
#include <strings.h>
#include <sys/param.h>
#include <unistd.h>

#include "common/proto_queue.h"
#include "daemon/config_private.h"

enum {
	PORTS_BASE = 2050,     /* the first zone's portal port; the divert port follows */
	PORTS_TLS_BASE = 2443, /* the first zone's tls-port */
	PORTS_MAX = 3 * ZONES_MAX,
};

/* Which zone has which port. */
struct ports {
	struct {
		uint16_t port;
		const struct zone_config *zone;
	} taken[PORTS_MAX];
	size_t count;
};

static void about(struct config_load *l, const struct zone_config *zone, const char *key)
{
	l->line = config_line(l->config, zone, key);
	l->zone = zone->name;
	l->key = key;
}

static const struct zone_config *find_port(const struct ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->count; i++) {
		if (ports->taken[i].port == port)
			return ports->taken[i].zone;
	}
	return NULL;
}

static void take_port(struct ports *ports, uint16_t port, const struct zone_config *zone)
{
	ports->taken[ports->count].port = port;
	ports->taken[ports->count++].zone = zone;
}

/* Those in the file first: defaults go around them. */
static void take_set_port(struct config_load *l, struct ports *ports,
			  const struct zone_config *zone, const char *key, uint16_t port)
{
	const struct zone_config *other = find_port(ports, port);

	if (port == 0)
		return;
	if (other) {
		about(l, zone, key);
		config_complain(l,
				"port %u is taken by zone \"%s\"; give each zone ports of its own",
				port, other->name);
		return;
	}
	take_port(ports, port, zone);
}

static void take_default_port(struct ports *ports, const struct zone_config *zone, size_t wanted,
			      uint16_t *port)
{
	if (*port)
		return;
	while (find_port(ports, (uint16_t)wanted))
		wanted++;
	*port = (uint16_t)wanted;
	take_port(ports, *port, zone);
}

static void check_ports(struct config_load *l)
{
	struct config *c = l->config;
	struct ports ports = {0};

	for (size_t i = 0; i < c->zone_count; i++) {
		take_set_port(l, &ports, &c->zones[i], "portal-port", c->zones[i].portal_port);
		take_set_port(l, &ports, &c->zones[i], "divert-port", c->zones[i].divert_port);
		take_set_port(l, &ports, &c->zones[i], "tls-port", c->zones[i].tls_port);
	}
	for (size_t i = 0; i < c->zone_count; i++) {
		take_default_port(&ports, &c->zones[i], PORTS_BASE + 2 * i,
				  &c->zones[i].portal_port);
		take_default_port(&ports, &c->zones[i], PORTS_BASE + 2 * i + 1,
				  &c->zones[i].divert_port);
		take_default_port(&ports, &c->zones[i], PORTS_TLS_BASE + i, &c->zones[i].tls_port);
	}
}

/* Whether the file sets it, well or not: one message is enough. */
static bool is_set(const struct zone_config *zone, const char *key)
{
	size_t index;

	return config_find_key(true, key, &index) && zone->lines[index];
}

static void check_zone(struct config_load *l, size_t index)
{
	const struct zone_config *zone = &l->config->zones[index];

	if (!is_set(zone, "interface")) {
		about(l, zone, "interface");
		config_complain(l, "it is missing; add the guests' interface, for instance "
				   "interface = \"br-guest\"");
	}
	for (size_t i = 0; i < index; i++) {
		const struct zone_config *other = &l->config->zones[i];

		if (strcasecmp(zone->name, other->name) == 0) {
			l->line = zone->line;
			l->zone = zone->name;
			l->key = NULL;
			config_complain(
				l,
				"it differs from zone \"%s\" of line %u in capital letters alone; "
				"choose another name",
				other->name, other->line);
		}
		if (zone->interface && other->interface &&
		    strcmp(zone->interface, other->interface) == 0) {
			about(l, zone, "interface");
			config_complain(
				l,
				"%s belongs to zone \"%s\" of line %u; a zone needs an interface of its own",
				zone->interface, other->name, other->line);
		}
	}
}

/* Each worker has a packet socket for each zone with divert "queue". */
static void check_queues(struct config_load *l)
{
	const struct config *c = l->config;
	size_t zones = 0;

	for (size_t i = 0; i < c->zone_count; i++)
		zones += c->zones[i].divert == DIVERT_QUEUE;
	if (zones * c->workers <= PACKET_SOCKETS_MAX)
		return;
	l->line = config_line(c, NULL, "workers");
	l->zone = NULL;
	l->key = "workers";
	config_complain(
		l,
		"%u workers for %zu zones with divert \"queue\" are too many; their product may "
		"be %d",
		c->workers, zones, PACKET_SOCKETS_MAX);
}

void config_cross_check(struct config_load *l)
{
	struct config *c = l->config;

	if (c->zone_count < ZONES_MAX)
		config_zone_release(&c->zones[c->zone_count]);
	if (c->zone_count == 0) {
		l->line = 0;
		l->zone = l->key = NULL;
		config_complain(
			l,
			"there is no zone; add zone \"guest\" { interface = \"br-guest\" } with the "
			"guests' interface");
	}
	if (c->workers == 0) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		c->workers = (uint32_t)MIN(MAX(cpus, 1), WORKERS_MAX);
	}
	for (size_t i = 0; i < c->zone_count; i++) {
		check_zone(l, i);
		config_check_extend(l, &c->zones[i]);
	}
	check_ports(l);
	check_queues(l);
	config_check_certificates(l);
	config_check_api(l);
}
