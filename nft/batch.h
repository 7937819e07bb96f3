/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One nf_tables transaction of set elements, built in a caller's buffer and sent in one piece. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libnftnl/set.h>

#include "common/netlink.h"

struct batch {
	struct netlink *nl;
	char *buf;
	size_t size, len;
	bool overflow;
};

/* Which set; the name is copied into each message. */
struct set_id {
	uint16_t family; /* NFPROTO_INET, NFPROTO_NETDEV; both have a table "portald" */
	const char *name;
};

void batch_begin(struct batch *b, struct netlink *nl, char *buf, size_t size);

/* Adds one message: type NFT_MSG_NEWSETELEM (flags NLM_F_CREATE, NLM_F_EXCL) or NFT_MSG_DELSETELEM
 * with the elements of s, which stays the caller's; an s without elements adds nothing. */
void batch_elements(struct batch *b, const struct set_id *id, uint16_t type, uint16_t flags,
		    struct nftnl_set *s);

/* 0, or the first error of the kernel (then nothing was changed); -ENOBUFS: the buffer was too
 * small. */
int batch_commit(struct batch *b);

/* An empty nftnl_set with family, table and name; NULL without memory. */
struct nftnl_set *set_alloc(const struct set_id *id);

/* A request for the elements with the keys of s (or, flags NLM_F_DUMP, for all).  Its length. */
size_t get_elements_request(struct netlink *nl, char *buf, const struct set_id *id, uint16_t flags,
			    struct nftnl_set *s);

/* For CLEANUP(). */
static inline void set_freep(struct nftnl_set **s)
{
	if (*s)
		nftnl_set_free(*s);
}
