/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/garden.h"
#include "common/garden_name.h"

static unsigned int family_bits(const struct garden_entry *e)
{
	return e->net.family == 4 ? 32 : 128;
}

static bool bit(const struct addr *a, unsigned int n)
{
	return a->b[n / 8] & (0x80 >> n % 8);
}

static bool same_prefix(const struct addr *a, const struct addr *b, unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++) {
		if (bit(a, i) != bit(b, i))
			return false;
	}
	return true;
}

static bool overlap(const struct garden_entry *a, const struct garden_entry *b)
{
	return a->net.family == b->net.family &&
	       (a->protocol == b->protocol || !a->protocol || !b->protocol) &&
	       a->port_first <= b->port_last && b->port_first <= a->port_last &&
	       same_prefix(&a->net, &b->net, a->prefix < b->prefix ? a->prefix : b->prefix);
}

static bool entry_valid(const struct garden_entry *e)
{
	if ((e->net.family != 4 && e->net.family != 6) || !e->prefix || e->prefix > family_bits(e))
		return false;
	for (unsigned int i = e->prefix; i < 8 * sizeof(e->net.b); i++) {
		if (bit(&e->net, i))
			return false;
	}
	if (!e->protocol)
		return e->port_first == 0 && e->port_last == UINT16_MAX;
	return (e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP) &&
	       e->port_first <= e->port_last;
}

/* A decimal number up to `max` that ends with the text. */
static bool read_number(const char *text, unsigned long max, unsigned long *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 5)
		return false;
	*ret_number = strtoul(text, &end, 10);
	return !*end && *ret_number <= max;
}

/* Takes "/tcp" or "/udp" off the end. */
static uint8_t take_protocol(char *text)
{
	static const struct {
		const char *suffix;
		uint8_t protocol;
	} known[] = {{"/tcp", IPPROTO_TCP}, {"/udp", IPPROTO_UDP}};
	char *slash = strrchr(text, '/');

	for (size_t i = 0; slash && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(slash, known[i].suffix) != 0)
			continue;
		*slash = '\0';
		return known[i].protocol;
	}
	return 0;
}

/* Splits "NET:PORTS" and "[NET]:PORTS"; *ret_ports is NULL where there are none.  False: no such thing. */
static bool split_ports(char *text, char **ret_net, char **ret_ports)
{
	char *colon = strchr(text, ':'), *end;

	*ret_net = text;
	*ret_ports = NULL;
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*ret_ports = end[1] ? end + 2 : NULL;
		*end = '\0';
		*ret_net = text + 1;
		return strchr(*ret_net, ':');
	}
	if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		*ret_ports = colon + 1;
	}
	return true;
}

static bool read_ports(char *text, struct garden_entry *e)
{
	unsigned long first, last;
	char *dash = strchr(text, '-');

	if (dash)
		*dash = '\0';
	if (!read_number(text, UINT16_MAX, &first) || first == 0)
		return false;
	last = first;
	if (dash && !read_number(dash + 1, UINT16_MAX, &last))
		return false;
	e->port_first = (uint16_t)first;
	e->port_last = (uint16_t)last;
	return true;
}

static bool read_net(char *text, struct garden_entry *e)
{
	char *slash = strchr(text, '/');
	unsigned long prefix;

	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, text, e->net.b) == 1)
		e->net.family = 4;
	else if (inet_pton(AF_INET6, text, e->net.b) == 1)
		e->net.family = 6;
	else
		return false;
	prefix = family_bits(e);
	if (slash && !read_number(slash + 1, prefix, &prefix))
		return false;
	e->prefix = (uint8_t)prefix;
	return true;
}

static int add_entry(struct garden *g, const struct garden_entry *e)
{
	if (!entry_valid(e))
		return -EINVAL;
	for (size_t i = 0; i < g->count; i++) {
		if (overlap(&g->entries[i], e))
			return -EEXIST;
	}
	if (g->count == GARDEN_MAX)
		return -E2BIG;
	g->entries[g->count++] = *e;
	return 0;
}

static int add_name(struct garden *g, const struct garden_name *n)
{
	for (size_t i = 0; i < g->name_count; i++) {
		if (garden_names_overlap(&g->names[i], n))
			return -EEXIST;
	}
	if (g->name_count == GARDEN_NAMES_OWN)
		return -E2BIG;
	g->names[g->name_count++] = *n;
	return 0;
}

static int read_name_entry(struct garden *g, struct garden_name *n, char *ports)
{
	struct garden_entry range = {0};

	if (!ports)
		return n->protocol ? -EINVAL : add_name(g, n);
	/* what answers open is found by one key: there are no ranges */
	if (!read_ports(ports, &range) || range.port_first != range.port_last)
		return -EINVAL;
	n->port = range.port_first;
	if (n->protocol)
		return add_name(g, n);
	n->protocol = IPPROTO_TCP;
	int r = add_name(g, n);

	n->protocol = IPPROTO_UDP;
	return r < 0 ? r : add_name(g, n);
}

static int read_entry(struct garden *g, char *text)
{
	struct garden_entry e = {.port_last = UINT16_MAX};
	struct garden_name n = {0};
	char *net, *ports;

	n.protocol = e.protocol = take_protocol(text);
	if (!split_ports(text, &net, &ports))
		return -EINVAL;
	if (garden_name_read(net, &n))
		return read_name_entry(g, &n, ports);
	if (!read_net(net, &e) || (ports && !read_ports(ports, &e)))
		return -EINVAL;
	if (!ports || e.protocol)
		return add_entry(g, &e);
	e.protocol = IPPROTO_TCP;
	int r = add_entry(g, &e);

	e.protocol = IPPROTO_UDP;
	return r < 0 ? r : add_entry(g, &e);
}

int garden_parse(const char *text, struct garden *ret_garden, char bad[static GARDEN_TEXT_MAX])
{
	static const char blanks[] = " \t";
	struct garden g = {0};

	if (strcmp(text, "none") == 0)
		text = "";
	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t len = strcspn(text, blanks);
		char entry[GARDEN_TEXT_MAX];

		snprintf(bad, GARDEN_TEXT_MAX, "%.*s",
			 (int)(len < GARDEN_TEXT_MAX ? len : GARDEN_TEXT_MAX - 1), text);
		snprintf(entry, sizeof(entry), "%s", bad);
		int r = len < GARDEN_TEXT_MAX ? read_entry(&g, entry) : -EINVAL;

		if (r < 0)
			return r;
		text += len;
	}
	*ret_garden = g;
	return 0;
}

bool garden_valid(const struct garden *garden)
{
	if (garden->count > GARDEN_MAX || garden->name_count > GARDEN_NAMES_MAX)
		return false;
	for (size_t i = 0; i < garden->name_count; i++) {
		if (!garden_name_valid(&garden->names[i]))
			return false;
	}
	for (size_t i = 0; i < garden->count; i++) {
		if (!entry_valid(&garden->entries[i]))
			return false;
		for (size_t k = 0; k < i; k++) {
			if (overlap(&garden->entries[i], &garden->entries[k]))
				return false;
		}
	}
	return true;
}
