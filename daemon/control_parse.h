/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of the control socket -> a request.  Pure; the form is that of common/control.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/addr.h"
#include "common/proto.h"

enum control_verb {
	CONTROL_STATUS,
	CONTROL_LIST,
	CONTROL_SHOW,
	CONTROL_GRANT,
	CONTROL_REVOKE,
	CONTROL_SET,
	CONTROL_BLOCK,
	CONTROL_UNBLOCK,
	CONTROL_BLOCKED,
	CONTROL_TRUST,
	CONTROL_UNTRUST,
	CONTROL_TRUSTED,
	CONTROL_HISTORY,
	CONTROL_METRICS,
	CONTROL_WATCH
};

struct control_request {
	enum control_verb verb;
	char zone[ZONE_NAME_MAX]; /* "": not named */
	bool all;
	uint64_t seconds;     /* grant: 0: the zone's; set: 0: as it is */
	int64_t more;	      /* set: seconds that are added */
	struct limits limits; /* grant, set */
	unsigned int given;   /* which of them: bit i is limit_fields[i] */
	bool has_note;
	uint64_t since; /* history: seconds since 1970 */
	char note[NOTE_MAX];
	struct mac *macs; /* sorted, each once */
	size_t mac_count;
	json_t *refused; /* array of {"mac", "why"}: what was no MAC */
};

/* 0; -EBADMSG: no JSON object; -EINVAL: a request that makes no sense, which `why` explains to
 * people. */
int control_parse(const char *line, size_t len, struct control_request *ret_request,
		  char why[static ERROR_TEXT_MAX]);
void control_request_finish(struct control_request *request);
