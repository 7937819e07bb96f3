/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "portal/queue_packet.h"

static void describe(const struct nlattr **attrs, struct responder_packet *packet)
{
	const struct nfqnl_msg_packet_hw *hw;

	if (!attrs[NFQA_PAYLOAD] || !attrs[NFQA_HWADDR] ||
	    mnl_attr_get_payload_len(attrs[NFQA_HWADDR]) < sizeof(*hw))
		return;
	hw = mnl_attr_get_payload(attrs[NFQA_HWADDR]);
	if (ntohs(hw->hw_addrlen) != MAC_LEN)
		return;
	*packet = (struct responder_packet){
		.data = mnl_attr_get_payload(attrs[NFQA_PAYLOAD]),
		.len = mnl_attr_get_payload_len(attrs[NFQA_PAYLOAD]),
		.partial = attrs[NFQA_SKB_INFO] &&
			   ntohl(mnl_attr_get_u32(attrs[NFQA_SKB_INFO])) & NFQA_SKB_CSUMNOTREADY,
	};
	memcpy(packet->mac.b, hw->hw_addr, MAC_LEN);
}

/* The attributes of a packet's message; false: it is none. */
static bool take_attrs(const void *data, size_t len, const struct nlattr **attrs)
{
	const struct nlmsghdr *nlh = data;
	const struct nlattr *attr;

	if (!mnl_nlmsg_ok(nlh, (int)len) ||
	    nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET))
		return false;
	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg)) {
		const uint16_t type = attr->nla_type & NLA_TYPE_MASK;

		if (type <= NFQA_MAX)
			attrs[type] = attr;
	}
	return attrs[NFQA_PACKET_HDR];
}

static uint32_t packet_id(const struct nlattr *head)
{
	return ntohl(((const struct nfqnl_msg_packet_hdr *)mnl_attr_get_payload(head))->packet_id);
}

static uint32_t interface_index(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 4 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

bool queue_packet_parse(const void *data, size_t len, struct queue_packet *ret_told)
{
	const struct nlattr *attrs[NFQA_MAX + 1] = {NULL};

	if (!take_attrs(data, len, attrs))
		return false;
	*ret_told = (struct queue_packet){.id = packet_id(attrs[NFQA_PACKET_HDR]),
					  .ifindex = interface_index(attrs[NFQA_IFINDEX_INDEV])};
	describe(attrs, &ret_told->packet);
	return true;
}

bool queue_packet_parse_outgoing(const void *data, size_t len, struct queue_outgoing *ret_told)
{
	const struct nlattr *attrs[NFQA_MAX + 1] = {NULL};

	if (!take_attrs(data, len, attrs))
		return false;
	*ret_told = (struct queue_outgoing){.id = packet_id(attrs[NFQA_PACKET_HDR]),
					    .ifindex = interface_index(attrs[NFQA_IFINDEX_OUTDEV])};
	if (attrs[NFQA_PAYLOAD]) {
		ret_told->data = mnl_attr_get_payload(attrs[NFQA_PAYLOAD]);
		ret_told->len = mnl_attr_get_payload_len(attrs[NFQA_PAYLOAD]);
	}
	return true;
}
