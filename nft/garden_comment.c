/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/garden_name.h"
#include "nft/garden_comment.h"

enum { NAME_ROOM = COMMENT_MAX - 24 }; /* the rest: "*.", a blank, 20 digits, NUL */

void garden_comment(char comment[static COMMENT_MAX], const struct garden *garden,
		    const struct opened_address *a)
{
	const struct garden_name *n = &garden->names[a->name];

	if (strlen(n->name) > NAME_ROOM)
		snprintf(comment, COMMENT_MAX, "#%08" PRIx32 " %" PRIu64, garden_name_sum(n),
			 a->end);
	else
		snprintf(comment, COMMENT_MAX, "%s%.*s %" PRIu64, n->below ? "*." : "", NAME_ROOM,
			 n->name, a->end);
}

/* What is not spelt as we do is not ours. */
bool garden_comment_read(const char *comment, const struct garden *garden, struct opened_address *a)
{
	const char *end = strrchr(comment, ' ');
	struct opened_address found = *a;

	if (!end || sscanf(end, "%" SCNu64, &found.end) != 1)
		return false;
	for (size_t i = 0; i < garden->name_count; i++) {
		const struct garden_name *n = &garden->names[i];
		char ours[COMMENT_MAX];

		if (n->protocol != a->protocol || n->port != a->port)
			continue;
		found.name = (uint8_t)i;
		garden_comment(ours, garden, &found);
		if (strcmp(comment, ours) != 0)
			continue;
		*a = found;
		return true;
	}
	return false;
}
