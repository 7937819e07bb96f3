/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What portald.conf says of one zone. */
#pragma once

#include <stdint.h>

#include "common/proto.h"
#include "common/proto_ruleset.h"
#include "daemon/pair.h"

enum {
	CONFIG_SESSION_MAX = 3650 * 86400, /* seconds */
	CONFIG_FILE_MAX =
		1024 * 1024,	  /* bytes of portald.conf, and of a page, logo or terms file */
	CONFIG_KEYS_MAX = 48,	  /* keys of a zone, and global keys */
	CONFIG_API_URI_MAX = 255, /* bytes: the length of a DHCPv4 option (RFC 8910, 2.1) */
};

struct zone_config {
	char *name;		 /* letters, digits, '-'; at most ZONE_NAME_MAX - 1 */
	char *hostname;		 /* NULL: the one of all zones; config_hostname() */
	struct pair pair;	 /* likewise; config_pair() */
	char *interface;	 /* at most IFNAME_MAX - 1 */
	uint32_t divert, probes; /* enum divert, enum probes */
	char *redirect_probes;	 /* patterns (common/probe.h) with blanks between them, or NULL */
	uint16_t portal_port;
	uint16_t divert_port;
	uint16_t tls_port;
	uint64_t session;	     /* seconds */
	uint64_t extend, extend_max; /* seconds; see policy_extension() */
	struct limits limits;	     /* of a login, and of a grant that does not say otherwise */
	uint32_t refresh;	     /* seconds before a 511 page moves on to the login page */
	uint32_t connection_limit, dns_limit, refuse_limit; /* of a stranger, a second */
	uint32_t connection_ceiling, packet_ceiling;	    /* of all strangers, a second */
	char *garden;					    /* what garden_parse() takes */
	char *title;
	char *accent,
		*accent_dark; /* "#rrggbb": the colour of buttons and links in light and dark */
	char *logo;	      /* path of an image, or NULL */
	char *terms;	      /* path of a text file, or NULL: the terms that come with portald */
	char *pages; /* path of a folder whose files replace ours of the same name, or NULL */
	char *lang;  /* BCP 47 tag of the pages' language, e.g. "en"; decides the direction of
			      writing */
	char *venue_info_url;		     /* https, or NULL */
	unsigned int line;		     /* where the zone begins in the file */
	unsigned int lines[CONFIG_KEYS_MAX]; /* for config_line() */
};
