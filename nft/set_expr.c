/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h> /* libnftnl/expr.h wants it */
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>

#include "common/cleanup.h"
#include "nft/batch.h"
#include "nft/set_expr.h"

/* The kernel's bucket holds a second's worth and the burst.  It must hold the largest packet that
 * the network stack joins (64 KiB), or such packets would never pass. */
enum { BUCKET_MIN = 128 * 1024 };

static int add_quota(struct nftnl_set_elem *elem, uint64_t quota, uint64_t used)
{
	struct nftnl_expr *e = nftnl_expr_alloc("quota");

	if (!e)
		return -ENOMEM;
	nftnl_expr_set_u64(e, NFTNL_EXPR_QUOTA_BYTES, quota);
	nftnl_expr_set_u64(e, NFTNL_EXPR_QUOTA_CONSUMED, used);
	nftnl_expr_set_u32(e, NFTNL_EXPR_QUOTA_FLAGS, 0); /* matches until it is used up */
	nftnl_set_elem_add_expr(elem, e);
	return 0;
}

/* The quota comes first, so that the counter knows only what passed. */
int element_add_counter(struct nftnl_set_elem *elem, uint64_t quota, const struct counted *used)
{
	const uint64_t consumed = used->over && used->bytes < quota ? quota : used->bytes;
	int r = quota ? add_quota(elem, quota, consumed) : 0;
	struct nftnl_expr *counter = r == 0 ? nftnl_expr_alloc("counter") : NULL;

	if (!counter)
		return -ENOMEM;
	nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_PACKETS, used->packets);
	nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_BYTES, used->bytes);
	nftnl_set_elem_add_expr(elem, counter);
	return 0;
}

int element_add_rate(struct nftnl_set_elem *elem, uint64_t rate)
{
	const uint64_t bytes = rate >= 8 ? rate / 8 : 1;
	struct nftnl_expr *e = nftnl_expr_alloc("limit");

	if (!e)
		return -ENOMEM;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, bytes);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1); /* seconds */
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST,
			   bytes < BUCKET_MIN ? (uint32_t)(BUCKET_MIN - bytes) : 0);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKT_BYTES);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	nftnl_set_elem_add_expr(elem, e);
	return 0;
}

static uint64_t limit_rate(const struct nftnl_expr *e)
{
	const uint64_t seconds = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_UNIT);

	return nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_RATE) * 8 / (seconds ? seconds : 1);
}

static int take(struct nftnl_expr *e, void *data)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct counted *c = data;

	if (strcmp(name, "counter") == 0) {
		c->packets = nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS);
		c->bytes = nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_BYTES);
	} else if (strcmp(name, "quota") == 0) {
		c->quota = nftnl_expr_get_u64(e, NFTNL_EXPR_QUOTA_BYTES);
		c->over = nftnl_expr_get_u64(e, NFTNL_EXPR_QUOTA_CONSUMED) >= c->quota;
	} else if (strcmp(name, "limit") == 0) {
		c->rate = limit_rate(e);
	}
	return 0;
}

void element_take(const struct nftnl_set_elem *elem, struct counted *ret_counted)
{
	*ret_counted = (struct counted){0};
	nftnl_set_elem_expr_foreach((struct nftnl_set_elem *)(uintptr_t)elem, take, ret_counted);
}

int element_add_comment(struct nftnl_set_elem *elem, const char *comment)
{
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(COMMENT_MAX * 2);

	if (!udata)
		return -ENOMEM;
	if (nftnl_udata_put_strz(udata, NFTNL_UDATA_SET_ELEM_COMMENT, comment))
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(udata),
				   nftnl_udata_buf_len(udata));
	nftnl_udata_buf_free(udata);
	return 0;
}

static int take_comment(const struct nftnl_udata *attr, void *data)
{
	if (nftnl_udata_type(attr) == NFTNL_UDATA_SET_ELEM_COMMENT)
		snprintf(data, COMMENT_MAX, "%.*s", (int)nftnl_udata_len(attr),
			 (const char *)nftnl_udata_get(attr));
	return 0;
}

void element_comment(struct nftnl_set_elem *elem, char ret_comment[static COMMENT_MAX])
{
	uint32_t len = 0;

	ret_comment[0] = '\0';
	if (!nftnl_set_elem_is_set(elem, NFTNL_SET_ELEM_USERDATA))
		return;
	const void *udata = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_USERDATA, &len);

	nftnl_udata_parse(udata, len, take_comment, ret_comment);
}

int elements_each(const struct nlmsghdr *nlh, element_fn *fn, void *data)
{
	CLEANUP(set_freep) struct nftnl_set *s = nftnl_set_alloc();

	if (!s || nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
		return MNL_CB_ERROR;

	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(s);

	if (!iter)
		return MNL_CB_ERROR;
	for (struct nftnl_set_elem *e; (e = nftnl_set_elems_iter_next(iter));)
		fn(e, data);
	nftnl_set_elems_iter_destroy(iter);
	return MNL_CB_OK;
}
