/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

#include "portal/frame.h"
#include "portal/packet.h"

enum { IP6_VERSION = 6 << 28 };

static size_t put(uint8_t *frame, size_t at, const void *data, size_t len)
{
	memcpy(frame + at, data, len);
	return at + len;
}

static size_t put_ethernet(const struct frame *f, uint8_t *frame)
{
	const uint16_t tag[2] = {htons(ETH_P_8021Q), htons(f->vlan)};
	const uint16_t type = htons(f->dst.family == 4 ? ETH_P_IP : ETH_P_IPV6);
	size_t at = put(frame, 0, f->dst_mac.b, MAC_LEN);

	at = put(frame, at, f->src_mac.b, MAC_LEN);
	if (f->vlan != 0)
		at = put(frame, at, tag, sizeof(tag));
	return put(frame, at, &type, sizeof(type));
}

/* The identification may be 0: the packet cannot be fragmented (RFC 6864, 4.1). */
static size_t put_ip4(const struct frame *f, size_t tcp_len, uint8_t *frame, size_t at)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons((uint16_t)(sizeof(ip) + tcp_len)),
		.frag_off = htons(IP_DF),
		.ttl = FRAME_HOPS,
		.protocol = IPPROTO_TCP,
	};

	memcpy(&ip.saddr, f->src.b, 4);
	memcpy(&ip.daddr, f->dst.b, 4);
	ip.check = checksum_end(checksum_add(0, &ip, sizeof(ip)));
	return put(frame, at, &ip, sizeof(ip));
}

static size_t put_ip6(const struct frame *f, size_t tcp_len, uint8_t *frame, size_t at)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(IP6_VERSION),
		.ip6_plen = htons((uint16_t)tcp_len),
		.ip6_nxt = IPPROTO_TCP,
		.ip6_hlim = FRAME_HOPS,
	};

	memcpy(&ip.ip6_src, f->src.b, 16);
	memcpy(&ip.ip6_dst, f->dst.b, 16);
	return put(frame, at, &ip, sizeof(ip));
}

size_t frame_write(const struct frame *f, uint8_t ret_frame[static FRAME_MAX])
{
	const uint8_t mss[PACKET_MSS_OPTION] = {TCPOPT_MAXSEG, PACKET_MSS_OPTION,
						(uint8_t)(f->mss >> 8), (uint8_t)f->mss};
	const size_t options = f->mss != 0 ? sizeof(mss) : 0;
	struct tcphdr tcp = {
		.source = htons(f->src.port),
		.dest = htons(f->dst.port),
		.seq = htonl(f->seq),
		.ack_seq = htonl(f->ack),
		.window = htons(f->window),
	};
	const size_t tcp_len = sizeof(tcp) + options + f->len;

	assert(tcp_len + (f->dst.family == 4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER) <=
	       FRAME_MTU_MAX);
	tcp.doff = (uint8_t)((sizeof(tcp) + options) / 4) & 0xf;
	tcp.th_flags = f->flags;

	uint64_t sum = checksum_pseudo(&f->src, &f->dst, tcp_len);

	sum = checksum_add(checksum_add(sum, &tcp, sizeof(tcp)), mss, options);
	tcp.check = checksum_end(checksum_add(sum, f->data, f->len));

	size_t at = put_ethernet(f, ret_frame);

	at = f->dst.family == 4 ? put_ip4(f, tcp_len, ret_frame, at)
				: put_ip6(f, tcp_len, ret_frame, at);
	at = put(ret_frame, at, &tcp, sizeof(tcp));
	at = put(ret_frame, at, mss, options);
	return f->len > 0 ? put(ret_frame, at, f->data, f->len) : at;
}
