/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A template is a flat array of nodes; a section's two ends know each other's index.  Text of all
 * its files stands in one buffer, so a template outlives its sources.
 */
#pragma once

#include <stdint.h>

#include "portal/template.h"

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_ITEM, NODE_SECTION, NODE_INVERTED, NODE_END };

struct node {
	enum node_kind kind;
	uint32_t at;  /* TEXT: offset; VALUE, SECTION, INVERTED, END: index of the name */
	uint32_t len; /* TEXT: bytes; SECTION, INVERTED: index of their END; END: index of their
			 beginning */
};

struct template
{
	struct node *nodes;
	size_t count;
	char *text;
	size_t text_len;
};
