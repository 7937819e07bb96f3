/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portald.conf, parsed whole into one const struct (libConfuse).  Nothing else of portald reads the
 * file. Errors name file:line, what is wrong and how to mend it; they are collected, so that one
 * run shows them all.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/log.h"
#include "daemon/config_zone.h"

struct config {
	char *path;		/* of the file, for messages */
	char *hostname;		/* the portal's name, or NULL: links use the gateway's address */
	struct pair pair;	/* of zones that have none of their own */
	uint32_t advertise_api; /* 1: guests' devices trust the certificate (config_api.c) */
	char *state_dir, *run_dir, *user;
	uint32_t workers;
	char *metrics;	      /* address and port for Prometheus, or NULL */
	uint64_t accounting;  /* seconds between two looks at what guests use */
	uint32_t mark;	      /* one bit */
	uint32_t queue_first; /* number of the first worker's NFQUEUE */
	enum log_level log_level;
	unsigned int lines[CONFIG_KEYS_MAX]; /* for config_line() */
	size_t zone_count;
	struct zone_config zones[ZONES_MAX];
};

/* Reads `path`.  Messages (errors and warnings, one a line, "file:line: text") go to `out`.  0;
 * -EINVAL if there was an error; -errno if the file cannot be read (said as well).  Pure but for
 * reading the files that it names. */
int config_load(const char *path, FILE *out, struct config **ret_config);
/* Of a file that config_load() refused: zones with nothing but the interfaces that can be made out in it, to close them.
 * -ENOENT: there are none; -EINVAL; another -errno if the file cannot be read. */
int config_salvage(const char *path, FILE *out, struct config **ret_config);
void config_destroy(struct config *config);

/* Its index, or -1.  Zones without a name are passed over. */
int config_find_zone(const struct config *config, const char *name);

/* Web workers that answer packets from NFQUEUEs: all of them, or none if no zone has divert
 * "queue". */
size_t config_queues(const struct config *config);

/* What config->metrics says, with its port.  -EINVAL: it is no such text; -ERANGE: the port. */
int config_listen_parse(const char *text, struct addr *ret_addr);

/* A zone's own, else the one of all.  NULL: there is none; links use the gateway's address. */
const char *config_hostname(const struct config *config, const struct zone_config *zone);
/* The same; NULL: no https.  What it names may not have been read. */
const struct pair *config_pair(const struct config *config, const struct zone_config *zone);

/* The URI of the captive portal API as DHCP and router advertisements of a zone give it (RFC 8910), or
 * NULL and in *ret_why what is missing.  `text` holds it. */
const char *config_api_uri(const struct config *config, const struct zone_config *zone,
			   char text[static CONFIG_API_URI_MAX + 1], const char **ret_why);

/* The line on which `key` of a zone (or, zone NULL, a global key) was set; the zone's own line, or
 * 0, if it was not. */
unsigned int config_line(const struct config *config, const struct zone_config *zone,
			 const char *key);

/* For messages: "file:line: zone "x": key" of the same, without a line if that is 0.  Returns text. */
enum { CONFIG_PLACE_MAX = PATH_MAX + 128 };
const char *config_place(const struct config *config, const struct zone_config *zone,
			 const char *key, char text[static CONFIG_PLACE_MAX]);

/* What differs between a running configuration and a new one and needs a restart: one line a key,
 * "file:line: text", to `out`; these values are then taken from `running`, so that the rest of
 * `fresh` can be used.  The number of such keys. */
size_t config_keep_fixed(const struct config *running, struct config *fresh, FILE *out);
