/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What opened an address of a zone's walled garden, in the comment of its element in the kernel, from which a new gate reads
 * it back. */
#pragma once

#include "common/proto.h"
#include "nft/opened.h"

/* The name as it stands in portald.conf, and the end: "*.example.org 86400123".  A name that is too long for a comment is
 * there by its sum, "#89abcdef 86400123". */
void garden_comment(char comment[static COMMENT_MAX], const struct garden *garden,
		    const struct opened_address *a);

/* Fills in the name and the end of one whose address and port are known.  False: no name of the garden, with this port, has
 * opened it. */
bool garden_comment_read(const char *comment, const struct garden *garden,
			 struct opened_address *a);
