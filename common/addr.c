/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/addr.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int mac_parse(const char *text, struct mac *ret_mac)
{
	static const struct mac zero;
	struct mac mac;

	if (strlen(text) != MAC_TEXT_MAX - 1)
		return -EINVAL;
	for (int i = 0; i < MAC_LEN; i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		if (i < MAC_LEN - 1 && text[2] != ':' && text[2] != '-')
			return -EINVAL;
		mac.b[i] = (uint8_t)(high << 4 | low);
	}
	if (mac.b[0] & 1 || mac_equal(&mac, &zero))
		return -EINVAL;
	*ret_mac = mac;
	return 0;
}

const char *mac_format(const struct mac *mac, char text[static MAC_TEXT_MAX])
{
	snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0], mac->b[1],
		 mac->b[2], mac->b[3], mac->b[4], mac->b[5]);
	return text;
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->b, b->b, MAC_LEN) == 0;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr)
{
	struct addr addr = {0};

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		addr.family = 4;
		addr.port = ntohs(in.sin_port);
		memcpy(addr.b, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		addr.port = ntohs(in6.sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			addr.family = 4;
			memcpy(addr.b, in6.sin6_addr.s6_addr + 12, 4);
		} else {
			addr.family = 6;
			memcpy(addr.b, &in6.sin6_addr, 16);
		}
	} else {
		return -EAFNOSUPPORT;
	}
	*ret_addr = addr;
	return 0;
}

const char *addr_format(const struct addr *addr, char text[static ADDR_TEXT_MAX])
{
	if (!inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->b, text, ADDR_TEXT_MAX))
		text[0] = '\0';
	return text;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, a->family == 4 ? 4 : 16) == 0;
}

bool addr_is_link_local(const struct addr *addr)
{
	return addr->family == 6 && addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}
