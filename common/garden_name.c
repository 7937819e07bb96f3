/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/garden_name.h"

enum { LABEL_MAX = 63 /* RFC 1035, 2.3.4 */ };

/* Host names as in RFC 1123, 2.1, with '_', which some have that no person ever types. */
static bool is_name(const char *name)
{
	size_t len = strlen(name), label = 0, labels = 1;
	bool digits = true; /* the last label: then it is an address, or was meant as one */

	if (len == 0 || len >= GARDEN_NAME_MAX)
		return false;
	for (const char *c = name; *c; c++) {
		if (*c == '.') {
			if (label == 0 || c[-1] == '-')
				return false;
			labels++;
			label = 0;
			digits = true;
			continue;
		}
		if (!isascii(*c) || !(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
				      *c == '_' || (*c == '-' && label > 0)))
			return false;
		digits = digits && isdigit((unsigned char)*c);
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0 && name[len - 1] != '-' && labels > 1 && !digits;
}

bool garden_name_read(const char *text, struct garden_name *ret_name)
{
	struct garden_name n = {.protocol = ret_name->protocol, .port = ret_name->port};
	size_t len;

	n.below = strncmp(text, "*.", 2) == 0;
	text += n.below ? 2 : 0;
	len = strlen(text);
	if (len >= sizeof(n.name))
		return false;
	for (size_t i = 0; i < len; i++)
		n.name[i] =
			(char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	if (!is_name(n.name))
		return false;
	*ret_name = n;
	return true;
}

bool garden_name_valid(const struct garden_name *n)
{
	if (!memchr(n->name, '\0', sizeof(n->name)) || !is_name(n->name) || n->below > 1)
		return false;
	for (size_t i = strlen(n->name); i < sizeof(n->name); i++) {
		if (n->name[i])
			return false;
	}
	if (!n->protocol)
		return n->port == 0;
	return (n->protocol == IPPROTO_TCP || n->protocol == IPPROTO_UDP) && n->port != 0;
}

bool garden_names_overlap(const struct garden_name *a, const struct garden_name *b)
{
	return a->below == b->below && strcmp(a->name, b->name) == 0 &&
	       (!a->protocol || !b->protocol || (a->protocol == b->protocol && a->port == b->port));
}

static void add_host(struct garden *g, const struct garden_name *n)
{
	for (size_t i = 0; i < g->name_count; i++) {
		if (garden_names_overlap(&g->names[i], n))
			return;
	}
	if (g->name_count < GARDEN_NAMES_MAX)
		g->names[g->name_count++] = *n;
}

void garden_add_hosts(struct garden *garden, const char *hosts)
{
	char name[GARDEN_NAME_MAX];
	unsigned int port;
	int used = 0;

	for (; hosts && sscanf(hosts, " %253[^: ]:%5u/tcp%n", name, &port, &used) == 2;
	     hosts += used) {
		struct garden_name n = {.protocol = IPPROTO_TCP, .port = (uint16_t)port};

		if (garden_name_read(name, &n) && garden_name_valid(&n))
			add_host(garden, &n);
	}
}

static bool matches(const struct garden_name *n, const char *name, size_t len)
{
	const size_t own = strlen(n->name);

	if (!n->below)
		return len == own && memcmp(name, n->name, len) == 0;
	return len > own + 1 && name[len - own - 1] == '.' &&
	       memcmp(name + len - own, n->name, own) == 0;
}

uint64_t garden_match(const struct garden *garden, const char *name)
{
	const size_t len = strlen(name);
	uint64_t found = 0;

	for (size_t i = 0; i < garden->name_count; i++) {
		if (matches(&garden->names[i], name, len))
			found |= UINT64_C(1) << i;
	}
	return found;
}

/* FNV-1a */
static uint32_t sum_of(const struct garden_name *names, size_t count)
{
	const uint8_t *bytes = (const uint8_t *)names;
	uint32_t sum = 2166136261;

	for (size_t i = 0; i < count * sizeof(*names); i++)
		sum = (sum ^ bytes[i]) * 16777619;
	return sum;
}

uint32_t garden_name_sum(const struct garden_name *name)
{
	return sum_of(name, 1);
}

uint32_t garden_names_sum(const struct garden *garden)
{
	return sum_of(garden->names, garden->name_count);
}

static bool begins(const struct addr *a, const char *prefix, unsigned int bits)
{
	const unsigned int rest = bits % 8;

	return memcmp(a->b, prefix, bits / 8) == 0 &&
	       (rest == 0 || (a->b[bits / 8] ^ (uint8_t)prefix[bits / 8]) >> (8 - rest) == 0);
}

bool garden_address_fits(const struct addr *addr)
{
	static const struct {
		uint8_t family;
		const char *prefix;
		unsigned int bits;
	} never[] = {
		{4, "\x00", 8},
		{4, "\x7f", 8},
		{4, "\xa9\xfe", 16},
		{4, "\xe0", 3}, /* multicast, reserved, broadcast */
		{6, "\0\0\0\0\0\0\0\0\0\0\0",
		 80}, /* unspecified, loopback, mapped and compatible IPv4 */
		{6, "\xfe\x80", 10},
		{6, "\xff", 8},
	};

	if (addr->family != 4 && addr->family != 6)
		return false;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (addr->family == never[i].family && begins(addr, never[i].prefix, never[i].bits))
			return false;
	}
	return true;
}
