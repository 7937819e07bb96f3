/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portalctl: what the commands share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/session_limits.h"
#include "ctl/complain.h"

enum option_bit {
	OPTION_ZONE = 1 << 0,
	OPTION_FOR = 1 << 1,
	OPTION_NOTE = 1 << 2,
	OPTION_FILE = 1 << 3,
	OPTION_ALL = 1 << 4,
	OPTION_LIMITS = 1 << 5, /* --idle, --quota-up ... */
	OPTION_SINCE = 1 << 6,
	OPTION_BLOCKED = 1 << 8,
	OPTION_TRUSTED = 1 << 9,
	OPTION_COMMON = 1 << 7, /* any command takes it */
};

/* One call of the program. */
struct ctl {
	const char *socket;
	uint64_t timeout; /* seconds to wait for an answer */
	bool json, help, version;
	unsigned int given; /* enum option_bit */
	const char *zone, *note, *file;
	uint64_t seconds, since;
	int sign;	      /* of --for: 1 with +, -1 with -, else 0 */
	struct limits limits; /* and which of them were given: bit i is limit_fields[i] */
	unsigned int limits_given;
	char **args; /* behind the command's name, ends with NULL */
	int arg_count;
	struct client *client; /* opened by the first ctl_ask() */
};

struct command {
	const char *name;
	const char *usage; /* its arguments */
	const char *summary;
	const char *help;	/* explanation and examples */
	unsigned int options;	/* enum option_bit, besides the common ones */
	int args_min, args_max; /* args_max -1: any number */
	enum status (*run)(struct ctl *ctl);
};

extern const struct command command_status, command_list, command_show;
extern const struct command command_grant, command_set, command_revoke;
extern const struct command command_block, command_unblock, command_trust, command_untrust;
extern const struct command command_history, command_metrics, command_watch;
extern const struct command command_dnsmasq, command_kea, command_radvd, command_odhcpd;

/* Sends a request (which it takes over; NULL: out of memory) and waits for its answer.  An answer
 * that is an error is told and STATUS_REFUSED.  *ret_answer on STATUS_DONE only: an object, the
 * caller's to release. */
enum status ctl_ask(struct ctl *ctl, json_t *request, json_t **ret_answer);
/* The next line of an answer that has several. */
enum status ctl_next(struct ctl *ctl, json_t **ret_answer);
/* Puts all parts of such an answer into an array: of the key, until "more" is false.  Takes answer over. */
enum status ctl_collect(struct ctl *ctl, json_t *answer, const char *key, json_t *array);
/* Says that an answer is not as control.h has it. */
enum status ctl_nonsense(const char *what);
/* Writes one JSON document on a line. */
void ctl_print_json(const json_t *json);

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}
