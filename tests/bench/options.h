/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of loadgen, checked: every figure is within its bounds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/guests.h"

enum {
	EXCHANGES_MAX = 100000000,
	SECONDS_MAX = 3600,
	CONCURRENCY_MAX = 65536,
	RATE_MAX = 10000000,
	REQUEST_MAX = 32768,
	PATH_LEN_MAX = 512,
	PATHS_MAX = 100000,
};

struct options {
	const char *interface;
	struct guests guests;
	struct addr gateway[2]; /* IPv4, IPv6; family 0: not used */
	struct addr target[2];	/* with the port */
	uint32_t port;
	uint32_t concurrency;
	uint32_t exchanges;  /* 0: as many as the seconds allow */
	uint32_t seconds;    /* 0: until all exchanges are done */
	uint32_t rate;	     /* starts a second; 0: as fast as the answers come */
	uint32_t timeout;    /* seconds for each exchange */
	uint32_t status;     /* that is right */
	uint32_t cookie;     /* bytes of Cookie in each request */
	uint32_t paths;	     /* so many different ones, with a number behind `path`; 1: just that */
	uint32_t flood_rate; /* SYNs a second; 0: no flood */
	const char *path;
	bool only4, only6;
	bool bare_ack, login, json, idle; /* idle: no well-behaved guests, the flood alone */
};

/* 0; 1: --help was asked for and given; -EINVAL: said on stderr what is wrong. */
int options_parse(int argc, char **argv, struct options *ret_options);
