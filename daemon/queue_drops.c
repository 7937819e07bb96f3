/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/netlink.h"
#include "daemon/queue_drops.h"

#define QUEUES "/proc/net/netfilter/nfnetlink_queue"

/* A command that has had no effect since Linux 3.8; who asks for it asks for the module. */
static int ask_for_module(void)
{
	CLEANUP(netlink_finish) struct netlink nl = {0};
	const struct nfqnl_msg_config_cmd cmd = {.command = NFQNL_CFG_CMD_PF_UNBIND};
	char buf[256];
	int r = netlink_init(&nl, NETLINK_NETFILTER, 0);

	if (r < 0)
		return r;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++nl.seq;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = 0;
	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	return netlink_talk(&nl, nlh, nlh->nlmsg_len, nl.seq, NULL, NULL);
}

FILE *queue_drops_open(void)
{
	int r = ask_for_module();
	FILE *drops = r < 0 ? NULL : fopen(QUEUES, "re");

	if (!drops)
		log_warning(QUEUES ": %s; packets that find a queue full are not counted",
			    r < 0 ? strerror(-r) : strerror(errno));
	return drops;
}

int queue_drops_read(FILE *drops, uint32_t first, uint32_t count, uint64_t *ret_packets)
{
	uint32_t number, full, slow;
	uint64_t packets = 0;
	char line[256];

	if (!drops)
		return -ENOENT;
	rewind(drops);
	while (fgets(line, sizeof(line), drops)) {
		/* number, reader, waiting, mode, bytes of each, dropped, of them for the reader ... */
		if (sscanf(line, "%" SCNu32 " %*u %*u %*u %*u %" SCNu32 " %" SCNu32, &number, &full,
			   &slow) == 3 &&
		    number - first < count)
			packets += (uint64_t)full + slow;
	}
	if (ferror(drops))
		return -EIO;
	*ret_packets = packets;
	return 0;
}
