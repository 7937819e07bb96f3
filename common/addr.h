/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAC and IP addresses: plain structs between parser, kernel and printer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MAC_LEN = 6, MAC_TEXT_MAX = 18, ADDR_TEXT_MAX = 46 };

struct mac {
	uint8_t b[MAC_LEN];
};

/* An IPv4 address stands in the first four bytes.  port: host byte order, 0 if there is none. */
struct addr {
	uint8_t family; /* 4, 6, or 0 for none */
	uint8_t pad;
	uint16_t port;
	uint8_t b[16];
};

struct sockaddr;

/* "02:00:5e:10:00:01", also with '-' and upper case.  -EINVAL: not a MAC, or one that no guest can
 * have (multicast, all zero). */
int mac_parse(const char *text, struct mac *ret_mac);
const char *mac_format(const struct mac *mac, char text[static MAC_TEXT_MAX]);
bool mac_equal(const struct mac *a, const struct mac *b);

/* AF_INET, AF_INET6; IPv4-mapped IPv6 becomes IPv4 (RFC 4291, 2.5.5.2).  -EAFNOSUPPORT for others.
 */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr);
/* without the port */
const char *addr_format(const struct addr *addr, char text[static ADDR_TEXT_MAX]);
/* family and address; ports are not compared */
bool addr_equal(const struct addr *a, const struct addr *b);
/* RFC 4291, 2.5.6 */
bool addr_is_link_local(const struct addr *addr);
