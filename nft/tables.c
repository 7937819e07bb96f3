/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <nftables/libnftables.h>

#include "common/cleanup.h"
#include "nft/tables.h"

enum { FAMILIES = 2 };

static const struct {
	uint16_t number;
	const char *name;
} families[FAMILIES] = {{NFPROTO_INET, "inet"}, {NFPROTO_NETDEV, "netdev"}};

int tables_init(struct tables *t, struct netlink *nl)
{
	t->nl = nl;
	t->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!t->nft)
		return -ENOMEM;
	if (nft_ctx_buffer_error(t->nft) != 0 || nft_ctx_buffer_output(t->nft) != 0)
		return -ENOMEM;
	return 0;
}

void tables_finish(struct tables *t)
{
	if (t->nft)
		nft_ctx_free(t->nft);
	t->nft = NULL;
}

int tables_run(struct tables *t, const char *text, char error[static ERROR_TEXT_MAX])
{
	if (nft_run_cmd_from_buffer(t->nft, text) == 0)
		return 0;
	snprintf(error, ERROR_TEXT_MAX, "%.*s", ERROR_TEXT_MAX - 1,
		 nft_ctx_get_error_buffer(t->nft));
	return -EIO;
}

int tables_try(struct tables *t, const char *text, char error[static ERROR_TEXT_MAX])
{
	nft_ctx_set_dry_run(t->nft, true);
	int r = tables_run(t, text, error);

	nft_ctx_set_dry_run(t->nft, false);
	return r;
}

static void table_freep(struct nftnl_table **t)
{
	if (*t)
		nftnl_table_free(*t);
}

static int take_comment_attr(const struct nftnl_udata *attr, void *data)
{
	if (nftnl_udata_type(attr) == NFTNL_UDATA_TABLE_COMMENT)
		snprintf(data, COMMENT_MAX, "%.*s", (int)nftnl_udata_len(attr),
			 (const char *)nftnl_udata_get(attr));
	return 0;
}

static int take_table(const struct nlmsghdr *nlh, void *data)
{
	CLEANUP(table_freep) struct nftnl_table *t = nftnl_table_alloc();
	uint32_t len = 0;

	if (!t || nftnl_table_nlmsg_parse(nlh, t) < 0)
		return MNL_CB_OK;
	const void *udata = nftnl_table_get_data(t, NFTNL_TABLE_USERDATA, &len);

	if (udata)
		nftnl_udata_parse(udata, len, take_comment_attr, data);
	return MNL_CB_OK;
}

int tables_comment(struct tables *t, uint16_t family, char ret_comment[static COMMENT_MAX])
{
	CLEANUP(table_freep) struct nftnl_table *table = nftnl_table_alloc();
	char buf[256];

	if (!table || nftnl_table_set_str(table, NFTNL_TABLE_NAME, "portald") < 0)
		return -ENOMEM;
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, family, NLM_F_ACK, ++t->nl->seq);

	nftnl_table_nlmsg_build_payload(nlh, table);
	ret_comment[0] = '\0';
	return netlink_talk(t->nl, nlh, nlh->nlmsg_len, t->nl->seq, take_table, ret_comment);
}

struct leftovers {
	FILE *out;
	const struct gate_zone *zones;
	size_t count;
};

/* "z_NAME" and "z_NAME_what" belong to zone NAME, which has no '_' in it. */
static void note_leftover(const struct leftovers *l, const char *kind, uint32_t family,
			  const char *name)
{
	if (!name || strncmp(name, "z_", 2) != 0)
		return;
	for (size_t i = 0; i < l->count; i++) {
		size_t len = strlen(l->zones[i].name);

		if (strncmp(name + 2, l->zones[i].name, len) == 0 && strchr("_", name[2 + len]))
			return;
	}
	fprintf(l->out, "delete %s %s portald %s\n", kind,
		family == NFPROTO_NETDEV ? "netdev" : "inet", name);
}

static int take_chain(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (c && nftnl_chain_nlmsg_parse(nlh, c) == 0 &&
	    strcmp(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE), "portald") == 0)
		note_leftover(data, "chain", nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY),
			      nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	nftnl_chain_free(c);
	return MNL_CB_OK;
}

static int take_set(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (s && nftnl_set_nlmsg_parse(nlh, s) == 0 &&
	    strcmp(nftnl_set_get_str(s, NFTNL_SET_TABLE), "portald") == 0)
		note_leftover(data, "set", nftnl_set_get_u32(s, NFTNL_SET_FAMILY),
			      nftnl_set_get_str(s, NFTNL_SET_NAME));
	nftnl_set_free(s);
	return MNL_CB_OK;
}

static int dump_names(struct tables *t, uint16_t type, mnl_cb_t cb, struct leftovers *l)
{
	char buf[256];

	for (size_t i = 0; i < FAMILIES; i++) {
		struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, type, families[i].number,
							     NLM_F_DUMP, ++t->nl->seq);
		int r = netlink_dump(t->nl, nlh, cb, l);

		if (r < 0)
			return r;
	}
	return 0;
}

int tables_leftovers(struct tables *t, const struct gate_zone *zones, size_t count, char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	struct leftovers l = {out, zones, count};
	int r = dump_names(t, NFT_MSG_GETCHAIN, take_chain, &l);

	if (r == 0)
		r = dump_names(t, NFT_MSG_GETSET, take_set, &l);
	if (fclose(out) != 0)
		return -ENOMEM;
	if (r < 0)
		return r;
	*ret_text = steal_ptr(&text);
	return 0;
}

int tables_deletion(struct tables *t, char text[static TABLES_DELETION_MAX])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < FAMILIES; i++) {
		char comment[COMMENT_MAX];
		int r = tables_comment(t, families[i].number, comment);

		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0)
			len += (size_t)snprintf(text + len, TABLES_DELETION_MAX - len,
						"delete table %s portald\n", families[i].name);
	}
	return 0;
}

int tables_remove(struct tables *t, char error[static ERROR_TEXT_MAX])
{
	char text[TABLES_DELETION_MAX];
	int r = tables_deletion(t, text);

	if (r < 0)
		snprintf(error, ERROR_TEXT_MAX, "%s", strerror(-r));
	return r < 0 || !text[0] ? r : tables_run(t, text, error);
}
