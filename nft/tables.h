/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables as a whole: loads rule text through libnftables, finds what an earlier configuration
 * left, removes all. */
#pragma once

#include <stddef.h>

#include "common/netlink.h"
#include "common/proto_ruleset.h"

struct nft_ctx;

struct tables {
	struct nft_ctx *nft;
	struct netlink *nl; /* NETLINK_NETFILTER */
};

/* Opens libnftables; call before the seccomp filter, since it reads files. */
int tables_init(struct tables *t, struct netlink *nl);
void tables_finish(struct tables *t);

/* Runs nft text as one transaction.  -EIO: refused, nft's words are in error. */
int tables_run(struct tables *t, const char *text, char error[static ERROR_TEXT_MAX]);

/* Asks the kernel whether it would take the text, and changes nothing. */
int tables_try(struct tables *t, const char *text, char error[static ERROR_TEXT_MAX]);

/* The comment of our table of this family; "" if it has none.  -ENOENT: there is no such table. */
int tables_comment(struct tables *t, uint16_t family, char ret_comment[static COMMENT_MAX]);

/* nft text that deletes those of our tables that are there. */
enum { TABLES_DELETION_MAX = 64 };
int tables_deletion(struct tables *t, char text[static TABLES_DELETION_MAX]);

/* nft text that deletes chains and sets of zones that are not in zones[]: what an earlier
 * configuration left behind.  Their rules must be flushed before, in the same transaction.  The
 * caller frees *ret_text. */
int tables_leftovers(struct tables *t, const struct gate_zone *zones, size_t count,
		     char **ret_text);

/* Removes both tables; those that are not there are fine. */
int tables_remove(struct tables *t, char error[static ERROR_TEXT_MAX]);
