// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ARP for Ethernet and IPv4 (RFC 826), neighbour solicitation and advertisement (RFC 4861), both
 * seen as one thing: who has this address?
 */
#include <errno.h>
#include <string.h>

#include "tests/bench/packet.h"

enum {
	ETH_LEN = 14,
	ARP_LEN = 28,
	IPV6_LEN = 40,
	ICMP_LEN = 24,	/* with the target */
	OPTION_LEN = 8, /* link-layer address */
	SOLICITATION = 135,
	ADVERTISEMENT = 136,
	ICMP_PROTOCOL = 58,
	HOPS = 255, /* RFC 4861, 7.1: anything else came from afar */
};

static const uint8_t arp_type[] = {0x08, 0x06}, ipv6_type[] = {0x86, 0xdd};
static const uint8_t arp_head[] = {0, 1, 8, 0, MAC_LEN, 4, 0};

static size_t arp_write(const struct neighbour *n, uint8_t *frame)
{
	uint8_t *arp = frame + ETH_LEN;

	memcpy(frame + 12, arp_type, sizeof(arp_type));
	memcpy(arp, arp_head, sizeof(arp_head));
	arp[7] = n->answer ? 2 : 1;
	memcpy(arp + 8, n->answer ? n->target_mac.b : n->from_mac.b, MAC_LEN);
	memcpy(arp + 14, n->answer ? n->target.b : n->from.b, 4);
	memcpy(arp + 18, n->to_mac.b, MAC_LEN);
	memcpy(arp + 24, n->answer ? n->to.b : n->target.b, 4);
	return ETH_LEN + ARP_LEN;
}

/* RFC 1071 over the message and its pseudo header. */
static uint16_t icmp_sum(const uint8_t *ip, const uint8_t *icmp, size_t len)
{
	uint32_t sum = ICMP_PROTOCOL + (uint32_t)len;

	for (size_t i = 0; i < 32; i += 2)
		sum += (uint32_t)(ip[8 + i] << 8 | ip[9 + i]);
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(icmp[i] << 8 | icmp[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t discovery_write(const struct neighbour *n, uint8_t *frame)
{
	uint8_t *ip = frame + ETH_LEN, *icmp = ip + IPV6_LEN, *option = icmp + ICMP_LEN;
	uint16_t sum;

	memcpy(frame + 12, ipv6_type, sizeof(ipv6_type));
	memset(ip, 0, IPV6_LEN + ICMP_LEN + OPTION_LEN);
	ip[0] = 0x60;
	ip[5] = ICMP_LEN + OPTION_LEN;
	ip[6] = ICMP_PROTOCOL;
	ip[7] = HOPS;
	memcpy(ip + 8, n->from.b, 16);
	memcpy(ip + 24, n->to.b, 16);
	icmp[0] = n->answer ? ADVERTISEMENT : SOLICITATION;
	icmp[4] = n->answer ? 0x60 : 0; /* solicited, override */
	memcpy(icmp + 8, n->target.b, 16);
	option[0] = n->answer ? 2 : 1;
	option[1] = 1;
	memcpy(option + 2, n->answer ? n->target_mac.b : n->from_mac.b, MAC_LEN);
	sum = icmp_sum(ip, icmp, ICMP_LEN + OPTION_LEN);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	return ETH_LEN + IPV6_LEN + ICMP_LEN + OPTION_LEN;
}

size_t neighbour_write(const struct neighbour *n, uint8_t frame[static FRAME_MAX])
{
	memcpy(frame, n->to_mac.b, MAC_LEN);
	memcpy(frame + MAC_LEN, n->from_mac.b, MAC_LEN);
	return n->target.family == 4 ? arp_write(n, frame) : discovery_write(n, frame);
}

static int arp_read(const uint8_t *arp, size_t len, struct neighbour *n)
{
	if (len < ARP_LEN || memcmp(arp, arp_head, sizeof(arp_head)) != 0)
		return -EBADMSG;
	n->answer = arp[7] == 2;
	addr_read(arp + 14, 4, &n->from);
	addr_read(arp + 24, 4, &n->to);
	addr_read(n->answer ? arp + 14 : arp + 24, 4, &n->target);
	memcpy(n->target_mac.b, arp + 8, MAC_LEN);
	return 0;
}

static int discovery_read(const uint8_t *ip, size_t len, struct neighbour *n)
{
	const uint8_t *icmp = ip + IPV6_LEN;

	if (len < IPV6_LEN + ICMP_LEN || ip[6] != ICMP_PROTOCOL)
		return 1;
	if (icmp[0] != SOLICITATION && icmp[0] != ADVERTISEMENT)
		return 1;
	if (ip[7] != HOPS)
		return -EBADMSG;
	n->answer = icmp[0] == ADVERTISEMENT;
	addr_read(ip + 8, 6, &n->from);
	addr_read(ip + 24, 6, &n->to);
	addr_read(icmp + 8, 6, &n->target);
	if (!n->answer)
		return 0;
	if (len < IPV6_LEN + ICMP_LEN + OPTION_LEN || icmp[ICMP_LEN] != 2)
		return -EBADMSG;
	memcpy(n->target_mac.b, icmp + ICMP_LEN + 2, MAC_LEN);
	return 0;
}

int neighbour_read(const uint8_t *frame, size_t len, struct neighbour *ret_neighbour)
{
	struct neighbour n = {0};
	int r = 1;

	if (len < ETH_LEN)
		return -EBADMSG;
	memcpy(n.to_mac.b, frame, MAC_LEN);
	memcpy(n.from_mac.b, frame + MAC_LEN, MAC_LEN);
	if (memcmp(frame + 12, arp_type, sizeof(arp_type)) == 0)
		r = arp_read(frame + ETH_LEN, len - ETH_LEN, &n);
	else if (memcmp(frame + 12, ipv6_type, sizeof(ipv6_type)) == 0)
		r = discovery_read(frame + ETH_LEN, len - ETH_LEN, &n);
	if (r == 0)
		*ret_neighbour = n;
	return r;
}
