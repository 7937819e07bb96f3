// SPDX-License-Identifier: GPL-2.0-or-later
/* One table of options; numbers with their bounds, so that no run is endless. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/options.h"

enum kind { NUMBER, FLAG, TEXT, ADDRESS, HELP };

static const struct row {
	const char *name;
	enum kind kind;
	size_t at;	   /* ADDRESS: of a pair */
	uint32_t min, max; /* ADDRESS: min is the index in the pair */
	const char *help;
} rows[] = {
	{"interface", TEXT, offsetof(struct options, interface), 0, 0,
	 "where the guests are (needed)"},
	{"guests", NUMBER, offsetof(struct options, guests.count), 1, GUESTS_MAX,
	 "number of guests (1)"},
	{"net4", ADDRESS, offsetof(struct options, guests.net), 0, 0, "IPv4 network (10.64.0.0)"},
	{"net6", ADDRESS, offsetof(struct options, guests.net), 1, 0,
	 "IPv6 network (2001:db8:64::)"},
	{"gateway4", ADDRESS, offsetof(struct options, gateway), 0, 0, "router's IPv4 address"},
	{"gateway6", ADDRESS, offsetof(struct options, gateway), 1, 0, "router's IPv6 address"},
	{"target4", ADDRESS, offsetof(struct options, target), 0, 0,
	 "IPv4 address that guests call"},
	{"target6", ADDRESS, offsetof(struct options, target), 1, 0,
	 "IPv6 address that guests call"},
	{"port", NUMBER, offsetof(struct options, port), 1, 65535, "port that guests call (80)"},
	{"only4", FLAG, offsetof(struct options, only4), 0, 0, "IPv4 only (default: both in turn)"},
	{"only6", FLAG, offsetof(struct options, only6), 0, 0, "IPv6 only"},
	{"concurrency", NUMBER, offsetof(struct options, concurrency), 1, CONCURRENCY_MAX,
	 "exchanges at a time (64)"},
	{"exchanges", NUMBER, offsetof(struct options, exchanges), 1, EXCHANGES_MAX,
	 "stop after so many (1000, if there is no --seconds)"},
	{"seconds", NUMBER, offsetof(struct options, seconds), 1, SECONDS_MAX,
	 "stop after this time"},
	{"rate", NUMBER, offsetof(struct options, rate), 1, RATE_MAX,
	 "exchanges that begin in a second (as many as the answers allow)"},
	{"timeout", NUMBER, offsetof(struct options, timeout), 1, 120,
	 "seconds for an exchange (10)"},
	{"path", TEXT, offsetof(struct options, path), 0, 0, "of the request (/)"},
	{"paths", NUMBER, offsetof(struct options, paths), 1, PATHS_MAX,
	 "so many different ones in turn, with a number at their ends (1)"},
	{"status", NUMBER, offsetof(struct options, status), 100, 599, "the right answer (511)"},
	{"cookie", NUMBER, offsetof(struct options, cookie), 1, REQUEST_MAX - 4096,
	 "bytes of Cookie in the request"},
	{"bare-ack", FLAG, offsetof(struct options, bare_ack), 0, 0,
	 "acknowledge the SYN-ACK before the request, as kernels do"},
	{"login", FLAG, offsetof(struct options, login), 0, 0,
	 "log each guest in through the page; target: the portal"},
	{"flood-rate", NUMBER, offsetof(struct options, flood_rate), 1, RATE_MAX, "SYNs a second"},
	{"flood-macs", NUMBER, offsetof(struct options, guests.flooders), 1, GUESTS_MAX,
	 "from so many devices (1)"},
	{"flood-only", FLAG, offsetof(struct options, idle), 0, 0, "no guests beside the flood"},
	{"json", FLAG, offsetof(struct options, json), 0, 0, "report as JSON"},
	{"help", HELP, 0, 0, 0, "this text"},
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

static void help(void)
{
	puts("usage: loadgen --interface NAME --gateway4 A --target4 A [OPTION...]\n\n"
	     "Simulates guests, each with a MAC, an IPv4 and an IPv6 address of its own, that ask a\n"
	     "captive portal for a page.  Runs only in a network namespace made for it.\n");
	for (const struct row *row = rows; row < rows + ROWS; row++)
		printf("  --%-12s %s\n", row->name, row->help);
}

static int set_number(const struct row *row, const char *text, struct options *o)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < row->min || value > row->max) {
		fprintf(stderr, "loadgen: --%s: a number from %u to %u\n", row->name, row->min,
			row->max);
		return -EINVAL;
	}
	*(uint32_t *)(void *)((char *)o + row->at) = (uint32_t)value;
	return 0;
}

static int set_address(const struct row *row, const char *text, struct options *o)
{
	struct addr addr = {.family = row->min == 0 ? 4 : 6};

	if (inet_pton(addr.family == 4 ? AF_INET : AF_INET6, text, addr.b) != 1) {
		fprintf(stderr, "loadgen: --%s: an IPv%d address\n", row->name, addr.family);
		return -EINVAL;
	}
	((struct addr *)(void *)((char *)o + row->at))[row->min] = addr;
	return 0;
}

static int set(const struct row *row, const char *text, struct options *o)
{
	switch (row->kind) {
	case NUMBER:
		return set_number(row, text, o);
	case ADDRESS:
		return set_address(row, text, o);
	case FLAG:
		*(bool *)((char *)o + row->at) = true;
		return 0;
	case TEXT:
		*(const char **)(void *)((char *)o + row->at) = text;
		return 0;
	case HELP:
		help();
		return 1;
	}
	return -EINVAL;
}

/* What depends on more than one option. */
static int finish(struct options *o)
{
	const char *wrong = NULL;

	for (int i = 0; i < 2; i++) {
		if ((i == 0 && o->only6) || (i == 1 && o->only4))
			o->target[i].family = 0;
		o->target[i].port = (uint16_t)o->port;
		if (o->target[i].family && !o->gateway[i].family)
			wrong = "a target needs its --gateway4 or --gateway6";
	}
	if (!o->target[0].family && !o->target[1].family)
		wrong = "there is no --target4 or --target6";
	if (!o->interface)
		wrong = "there is no --interface";
	if (o->idle && (!o->flood_rate || !o->seconds))
		wrong = "--flood-only needs --flood-rate and --seconds";
	if (o->login && o->paths > 1)
		wrong = "--login has a path of its own";
	if (strlen(o->path) >= PATH_LEN_MAX)
		wrong = "--path is too long";
	if (!o->exchanges && !o->seconds)
		o->exchanges = o->login ? o->guests.count : 1000;
	if (o->login && o->exchanges > o->guests.count)
		wrong = "--login: each guest logs in once";
	if (wrong)
		fprintf(stderr, "loadgen: %s\n", wrong);
	return wrong ? -EINVAL : 0;
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
	struct option longs[ROWS + 1] = {0};
	struct options o = {
		.guests = {.count = 1, .flooders = 1},
		.port = 80,
		.concurrency = 64,
		.timeout = 10,
		.status = 511,
		.path = "/",
		.paths = 1,
	};
	int index, c, r = 0;

	for (size_t i = 0; i < ROWS; i++)
		longs[i] = (struct option){rows[i].name,
					   rows[i].kind == FLAG || rows[i].kind == HELP ? 0 : 1,
					   NULL, 0};
	inet_pton(AF_INET, "10.64.0.0", o.guests.net[0].b);
	inet_pton(AF_INET6, "2001:db8:64::", o.guests.net[1].b);
	o.guests.net[0].family = 4;
	o.guests.net[1].family = 6;
	while (r == 0 && (c = getopt_long(argc, argv, "", longs, &index)) != -1)
		r = c == 0 ? set(&rows[index], optarg, &o) : -EINVAL;
	if (r == 0 && optind < argc) {
		fprintf(stderr, "loadgen: what is \"%s\"?\n", argv[optind]);
		r = -EINVAL;
	}
	if (r == 0)
		r = finish(&o);
	if (r == 0)
		*ret_options = o;
	return r;
}
