/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of the ruleset: portal.nft with the zones' values in it.  Pure; nft/tables.c loads the
 * result. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto_ruleset.h"
#include "nft/opened.h"

enum { DEFINITIONS_MAX = 24 }; /* with its NUL */

struct ruleset {
	char *text;			   /* portal.nft */
	char definitions[DEFINITIONS_MAX]; /* what its definitions are told from others' by */
};

/* What is the same for all zones. */
struct ruleset_globals {
	uint32_t mark;
	uint16_t queue_first, queue_count; /* NFQUEUEs of the web workers */
	uint16_t answers_queue;		   /* NFQUEUE of DNS answers */
	bool queue_native;		   /* the kernel has nft's own queue expression */
	bool egress;			   /* and the netdev family's egress hook */
};

/* Reads portal.nft.  Negative errno; -EINVAL: a block is missing or not closed. */
int ruleset_init(struct ruleset *rs, const char *path);
void ruleset_finish(struct ruleset *rs);

/* Names and numbers go into nft text, so what comes from another process is checked here: letters,
 * digits and '-' in a zone's name; no quotes, blanks or control characters in an interface's. */
bool ruleset_zone_valid(const struct gate_zone *zone);

/* The whole ruleset; opened[i]: by DNS answers in zone i; present[i]: the interface of zone i is there, so that its egress
 * chain can be loaded.  The caller frees *ret_text. */
int ruleset_render(const struct ruleset *rs, const struct gate_zone *zones, struct opened *opened,
		   const bool *present, size_t count, const struct ruleset_globals *globals,
		   char **ret_text);

/* The egress chain of one zone alone. */
int ruleset_render_egress(const struct ruleset *rs, const struct gate_zone *zone,
			  const struct ruleset_globals *globals, char **ret_text);
