/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A zone's walled garden: where strangers may go.  As it stands in portald.conf and as it goes to the gate. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	GARDEN_MAX = 64, /* entries of a zone; one with ports and no protocol is two: TCP and UDP */
	GARDEN_NAMES_MAX = 64, /* host names of a zone: bits of a uint64_t */
	GARDEN_NAMES_OWN = 48, /* that portald.conf may list; the others are garden_add_hosts()' */
	GARDEN_NAME_MAX = 254, /* bytes of a name, with its NUL (RFC 1035, 2.3.4) */
	GARDEN_TEXT_MAX = 288, /* bytes of one entry's text, with its NUL */
};

struct garden_entry {
	struct addr net; /* port 0; bits beyond the prefix are 0 */
	uint8_t prefix;	 /* 1 to 32 or 128 */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP; 0: every protocol, port_first 0, port_last 65535 */
	uint16_t port_first; /* host byte order */
	uint16_t port_last;
	uint16_t pad;
};

/* What stands behind a host name changes: DNS answers tell (nft/answer.c). */
struct garden_name {
	char name[GARDEN_NAME_MAX]; /* lower case, at least two labels; filled up with 0 */
	uint8_t below;		    /* 1: the names below it, and not itself */
	uint8_t protocol;	    /* IPPROTO_TCP, IPPROTO_UDP; 0: every protocol, port 0 */
	uint16_t port;		    /* host byte order */
};

struct garden {
	uint32_t count, name_count;
	struct garden_entry
		entries[GARDEN_MAX]; /* no two overlap: nft's sets of ranges cannot hold that */
	struct garden_name names[GARDEN_NAMES_MAX];
};

/* Reads "none", or entries parted by blanks: ADDRESS[/PREFIX][:PORT[-PORT]][/tcp|/udp], an IPv6 one with ports as [ADDRESS[/PREFIX]];
 * [*.]NAME[:PORT[/tcp|/udp]].
 * 0; -EINVAL: no such entry; -EEXIST: it overlaps with one before it; -E2BIG: there are too many.  Then `bad` is the entry, cut if
 * it is long. */
int garden_parse(const char *text, struct garden *ret_garden, char bad[static GARDEN_TEXT_MAX]);

/* Could garden_parse() have made this? */
bool garden_valid(const struct garden *garden);
