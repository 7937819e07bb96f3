/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grant and revoke: MACs from the command line or, for grant, from a file, sent in batches of which
 * the gateway makes one transaction each.  A MAC that cannot be is told and left out; the others
 * are done.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/control.h"
#include "common/proto.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

enum {
	BATCH_MAX = CONTROL_MACS_MAX,
	FILE_LINE_MAX = 256,
};

struct access {
	struct ctl *ctl;
	const char *verb;
	enum status (*take)(struct access *a, json_t *answer);
	const char *file; /* its name for messages, or NULL */
	bool progress;
	/* the batch under construction */
	json_t *macs;
	unsigned long lines[BATCH_MAX];
	/* so far; granted: or changed, or revoked */
	uint64_t granted, replaced;
	json_t *refused, *unknown;
};

static enum status no_memory(void)
{
	complain("out of memory");
	return STATUS_REFUSED;
}

static void clear_progress(const struct access *a)
{
	if (a->progress)
		fputs("\r\033[K", stderr);
}

static void show_progress(const struct access *a)
{
	char count[UNIT_TEXT_MAX];

	if (a->progress)
		fprintf(stderr, "\r%s MACs granted ...",
			output_count(a->granted + a->replaced, count));
}

/* line: 0 if it came from the command line */
static enum status refuse(struct access *a, const char *mac, unsigned long line, const char *why)
{
	/* no "mac" if the text is no UTF-8 */
	json_t *entry = json_pack("{s:o*, s:s}", "mac", json_string(mac), "why", why);

	clear_progress(a);
	if (line)
		complain("%s:%lu: %s: %s", a->file, line, mac, why);
	else
		complain("%s: %s", mac, why);
	if (line)
		json_object_set_new(entry, "line", json_integer((json_int_t)line));
	return json_array_append_new(a->refused, entry) < 0 ? no_memory() : STATUS_DONE;
}

/* The line of a MAC of the batch that was sent last. */
static unsigned long line_of(const struct access *a, const char *mac)
{
	for (size_t i = 0; i < json_array_size(a->macs); i++) {
		if (strcasecmp(json_string_value(json_array_get(a->macs, i)), mac) == 0)
			return a->lines[i];
	}
	return 0;
}

static enum status take_refused(struct access *a, json_t *refused)
{
	const char *mac, *why;
	json_t *entry;
	size_t i;

	json_array_foreach (refused, i, entry) {
		if (json_unpack(entry, "{s:s, s:s}", "mac", &mac, "why", &why) < 0)
			return ctl_nonsense("a refusal");
		enum status status = refuse(a, mac, line_of(a, mac), why);

		if (status != STATUS_DONE)
			return status;
	}
	return STATUS_DONE;
}

static enum status take_grant(struct access *a, json_t *answer)
{
	json_int_t granted, replaced;
	json_t *refused;

	if (json_unpack(answer, "{s:I, s:I, s:o}", "granted", &granted, "replaced", &replaced,
			"refused", &refused) < 0 ||
	    granted < 0 || replaced < 0 || !json_is_array(refused))
		return ctl_nonsense("a grant");
	a->granted += (uint64_t)granted;
	a->replaced += (uint64_t)replaced;
	return take_refused(a, refused);
}

static enum status take_unknown(struct access *a, json_t *unknown)
{
	json_t *mac;
	size_t i;

	json_array_foreach (unknown, i, mac) {
		if (!json_is_string(mac))
			return ctl_nonsense("a MAC");
		complain("%s: there is no session", json_string_value(mac));
	}
	return json_array_extend(a->unknown, unknown) < 0 ? no_memory() : STATUS_DONE;
}

static enum status take_set(struct access *a, json_t *answer)
{
	json_t *unknown, *refused;
	json_int_t changed;

	if (json_unpack(answer, "{s:I, s:o, s:o}", "changed", &changed, "unknown", &unknown,
			"refused", &refused) < 0 ||
	    changed < 0 || !json_is_array(unknown) || !json_is_array(refused))
		return ctl_nonsense("a change");
	a->granted += (uint64_t)changed;
	enum status status = take_refused(a, refused);

	return status == STATUS_DONE ? take_unknown(a, unknown) : status;
}

static enum status take_revoke(struct access *a, json_t *answer)
{
	json_int_t revoked;
	json_t *unknown;

	if (json_unpack(answer, "{s:I, s:o}", "revoked", &revoked, "unknown", &unknown) < 0 ||
	    revoked < 0 || !json_is_array(unknown))
		return ctl_nonsense("a revoke");
	a->granted += (uint64_t)revoked;
	return take_unknown(a, unknown);
}

static enum status take_block(struct access *a, json_t *answer)
{
	json_int_t blocked, ended;
	json_t *refused;

	if (json_unpack(answer, "{s:I, s:I, s:o}", "blocked", &blocked, "ended", &ended, "refused",
			&refused) < 0 ||
	    blocked < 0 || ended < 0 || !json_is_array(refused))
		return ctl_nonsense("a block");
	a->granted += (uint64_t)blocked;
	a->replaced += (uint64_t)ended;
	return take_refused(a, refused);
}

static enum status take_unblock(struct access *a, json_t *answer)
{
	json_t *unknown, *refused, *mac;
	json_int_t unblocked;
	size_t i;

	if (json_unpack(answer, "{s:I, s:o, s:o}", "unblocked", &unblocked, "unknown", &unknown,
			"refused", &refused) < 0 ||
	    unblocked < 0 || !json_is_array(unknown) || !json_is_array(refused))
		return ctl_nonsense("an unblock");
	a->granted += (uint64_t)unblocked;
	json_array_foreach (unknown, i, mac) {
		enum status status =
			json_is_string(mac)
				? refuse(a, json_string_value(mac),
					 line_of(a, json_string_value(mac)), "it is not blocked")
				: ctl_nonsense("a MAC");

		if (status != STATUS_DONE)
			return status;
	}
	return take_refused(a, refused);
}

static enum status send_request(struct access *a, json_t *request)
{
	CLEANUP(cleanup_json) json_t *answer = NULL;

	const struct ctl *ctl = a->ctl;

	if (ctl->given & OPTION_FOR && ctl->sign == 0)
		json_object_set_new(request, "for", json_integer((json_int_t)ctl->seconds));
	if (ctl->given & OPTION_FOR && ctl->sign != 0)
		json_object_set_new(request, "more",
				    json_integer(ctl->sign * (json_int_t)ctl->seconds));
	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		if (ctl->limits_given & 1U << i)
			json_object_set_new(request, limit_fields[i].name,
					    json_integer((json_int_t)limit_value(&ctl->limits, i)));
	}
	clear_progress(a);
	show_progress(a);
	enum status status = ctl_ask(a->ctl, request, &answer);

	return status == STATUS_DONE ? a->take(a, answer) : status;
}

static enum status flush(struct access *a)
{
	if (json_array_size(a->macs) == 0)
		return STATUS_DONE;
	enum status status =
		send_request(a, json_pack("{s:s, s:O, s:s*, s:s*}", "verb", a->verb, "macs",
					  a->macs, "zone", a->ctl->zone, "note", a->ctl->note));

	json_array_clear(a->macs);
	return status;
}

static enum status add(struct access *a, const char *text, unsigned long line)
{
	char normal[MAC_TEXT_MAX];
	struct mac mac;

	if (mac_parse(text, &mac) < 0)
		return refuse(a, text, line,
			      "no device's MAC address; write it like 02:00:5e:10:00:01");
	a->lines[json_array_size(a->macs)] = line;
	if (json_array_append_new(a->macs, json_string(mac_format(&mac, normal))) < 0)
		return no_memory();
	return json_array_size(a->macs) == BATCH_MAX ? flush(a) : STATUS_DONE;
}

/* Without the comment and the blanks around. */
static char *strip(char *line)
{
	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	for (size_t len = strlen(line); len > 0 && strchr(" \t", line[len - 1]); len--)
		line[len - 1] = '\0';
	return line;
}

static enum status add_lines(struct access *a, FILE *file)
{
	enum status status = STATUS_DONE;
	char line[FILE_LINE_MAX];

	for (unsigned long n = 1; status == STATUS_DONE && fgets(line, sizeof(line), file); n++) {
		bool whole = strchr(line, '\n') || feof(file), comment = strchr(line, '#');
		const char *text = strip(line);

		for (int c = 0; !whole && c != '\n' && c != EOF;)
			c = getc(file);
		if (!whole && !comment)
			status = refuse(a, "this line", n, "too long for a MAC address");
		else if (*text)
			status = add(a, text, n);
	}
	if (status == STATUS_DONE && ferror(file)) {
		complain("%s cannot be read: %s", a->file, strerror(errno));
		return STATUS_REFUSED;
	}
	return status;
}

static enum status add_file(struct access *a, const char *path)
{
	if (strcmp(path, "-") == 0) {
		a->file = "stdin";
		return add_lines(a, stdin);
	}

	CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");

	if (!file) {
		complain("%s cannot be read: %s", path, strerror(errno));
		return STATUS_REFUSED;
	}
	a->file = path;
	return add_lines(a, file);
}

static void print_grant(const struct access *a)
{
	char granted[UNIT_TEXT_MAX], replaced[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];

	printf("granted %s, replaced %s, refused %s\n", output_count(a->granted, granted),
	       output_count(a->replaced, replaced),
	       output_count(json_array_size(a->refused), refused));
}

static enum status run_grant(struct ctl *ctl)
{
	CLEANUP(cleanup_json) json_t *macs = json_array(), *refused = json_array();
	struct access a = {
		.ctl = ctl, .verb = "grant", .take = take_grant, .macs = macs, .refused = refused};
	enum status status = STATUS_DONE;

	if (ctl->sign != 0)
		return complain_usage(&command_grant, "--for with a sign is for set");
	if (!ctl->file == (ctl->arg_count == 0))
		return complain_usage(&command_grant, "grant wants either MACs or --file");
	if (ctl->file) {
		a.progress = isatty(STDERR_FILENO);
		status = add_file(&a, ctl->file);
	}
	for (int i = 0; i < ctl->arg_count && status == STATUS_DONE; i++)
		status = add(&a, ctl->args[i], 0);
	if (status == STATUS_DONE)
		status = flush(&a);
	clear_progress(&a);
	/* what was done before an error is done */
	if (status == STATUS_DONE || a.granted + a.replaced > 0) {
		if (ctl->json) {
			CLEANUP(cleanup_json)
			json_t *summary =
				json_pack("{s:I, s:I, s:O}", "granted", (json_int_t)a.granted,
					  "replaced", (json_int_t)a.replaced, "refused", refused);
			ctl_print_json(summary);
		} else {
			print_grant(&a);
		}
	}
	return status == STATUS_DONE && json_array_size(refused) > 0 ? STATUS_REFUSED : status;
}

static void print_set(const struct access *a)
{
	char changed[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];

	if (a->ctl->json) {
		CLEANUP(cleanup_json)
		json_t *summary = json_pack("{s:I, s:O, s:O}", "changed", (json_int_t)a->granted,
					    "unknown", a->unknown, "refused", a->refused);
		ctl_print_json(summary);
	} else {
		printf("changed %s, refused %s\n", output_count(a->granted, changed),
		       output_count(json_array_size(a->unknown) + json_array_size(a->refused),
				    refused));
	}
}

static enum status run_set(struct ctl *ctl)
{
	CLEANUP(cleanup_json)
	json_t *macs = json_array(), *refused = json_array(), *unknown = json_array();
	struct access a = {.ctl = ctl,
			   .verb = "set",
			   .take = take_set,
			   .macs = macs,
			   .refused = refused,
			   .unknown = unknown};
	enum status status = STATUS_DONE;

	if (!(ctl->given & (OPTION_FOR | OPTION_NOTE | OPTION_LIMITS)))
		return complain_usage(&command_set, "set wants something to change");
	for (int i = 0; i < ctl->arg_count && status == STATUS_DONE; i++)
		status = add(&a, ctl->args[i], 0);
	if (status == STATUS_DONE)
		status = flush(&a);
	if (status == STATUS_DONE || a.granted > 0)
		print_set(&a);
	if (status == STATUS_DONE && json_array_size(refused) + json_array_size(unknown) > 0)
		return STATUS_REFUSED;
	return status;
}

static void print_revoke(const struct access *a)
{
	char revoked[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];
	const size_t not_done = json_array_size(a->unknown) + json_array_size(a->refused);

	if (a->ctl->json) {
		CLEANUP(cleanup_json)
		json_t *summary = json_pack("{s:I, s:O, s:O}", "revoked", (json_int_t)a->granted,
					    "unknown", a->unknown, "refused", a->refused);
		ctl_print_json(summary);
	} else {
		printf("revoked %s, refused %s\n", output_count(a->granted, revoked),
		       output_count(not_done, refused));
	}
}

static enum status run_revoke(struct ctl *ctl)
{
	CLEANUP(cleanup_json)
	json_t *macs = json_array(), *refused = json_array(), *unknown = json_array();
	struct access a = {.ctl = ctl,
			   .verb = "revoke",
			   .take = take_revoke,
			   .macs = macs,
			   .refused = refused,
			   .unknown = unknown};
	const bool all = ctl->given & OPTION_ALL;
	enum status status = STATUS_DONE;

	if (all == (ctl->arg_count > 0))
		return complain_usage(&command_revoke, "revoke wants either MACs or --all");
	if (all)
		status = send_request(&a, json_pack("{s:s, s:b, s:s*}", "verb", "revoke", "all", 1,
						    "zone", ctl->zone));
	for (int i = 0; i < ctl->arg_count && status == STATUS_DONE; i++)
		status = add(&a, ctl->args[i], 0);
	if (status == STATUS_DONE)
		status = flush(&a);
	if (status == STATUS_DONE || a.granted > 0)
		print_revoke(&a);
	if (status == STATUS_DONE && json_array_size(refused) + json_array_size(unknown) > 0)
		return STATUS_REFUSED;
	return status;
}

static void print_block(const struct access *a, bool block)
{
	char done[UNIT_TEXT_MAX], ended[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];

	if (a->ctl->json) {
		CLEANUP(cleanup_json)
		json_t *summary = json_pack("{s:I, s:O}", block ? "blocked" : "unblocked",
					    (json_int_t)a->granted, "refused", a->refused);

		if (block)
			json_object_set_new(summary, "ended",
					    json_integer((json_int_t)a->replaced));
		ctl_print_json(summary);
		return;
	}
	output_count(a->granted, done);
	output_count(json_array_size(a->refused), refused);
	if (block)
		printf("blocked %s, ended %s session(s), refused %s\n", done,
		       output_count(a->replaced, ended), refused);
	else
		printf("unblocked %s, refused %s\n", done, refused);
}

static enum status change_list(struct ctl *ctl, const struct command *command, bool block)
{
	CLEANUP(cleanup_json) json_t *macs = json_array(), *refused = json_array();
	struct access a = {.ctl = ctl,
			   .verb = command->name,
			   .take = block ? take_block : take_unblock,
			   .macs = macs,
			   .refused = refused};
	enum status status = STATUS_DONE;

	if (!ctl->file == (ctl->arg_count == 0))
		return complain_usage(command, "%s wants either MACs or --file", command->name);
	if (ctl->file)
		status = add_file(&a, ctl->file);
	for (int i = 0; i < ctl->arg_count && status == STATUS_DONE; i++)
		status = add(&a, ctl->args[i], 0);
	if (status == STATUS_DONE)
		status = flush(&a);
	if (status == STATUS_DONE || a.granted > 0)
		print_block(&a, block);
	return status == STATUS_DONE && json_array_size(refused) > 0 ? STATUS_REFUSED : status;
}

static enum status run_block(struct ctl *ctl)
{
	return change_list(ctl, &command_block, true);
}

static enum status run_unblock(struct ctl *ctl)
{
	return change_list(ctl, &command_unblock, false);
}

#define LIMITS_HELP                                                                                 \
	"limits; none takes one away:\n"                                                            \
	"  --idle TIME                                     end when the guest sends nothing: 30m\n" \
	"  --quota-up BYTES, --quota-down BYTES,\n"                                                 \
	"  --quota-total BYTES                             500M, 1.5G, 20Gi\n"                      \
	"  --rate-up BITS, --rate-down BITS                a second: 512k, 20M, 1G\n"

const struct command command_grant = {
	.name = "grant",
	.usage = "MAC... | --file FILE  [--zone ZONE] [--for TIME] [LIMITS] [--note TEXT]",
	.summary = "let devices online without a login",
	.help = "Grants access to devices, whether they are there now or come later.  A device that has a session\n"
		"gets the new time instead of the old.\n\n"
		"  --zone ZONE   needed if the gateway has more than one\n"
		"  --for TIME    90s, 30m, 8h, 7d; by default as long as a login in that zone\n"
		"  --note TEXT   shown by list and show\n"
		"  --file FILE   one MAC a line, # begins a comment; - is the standard input.  Lines that are no MAC\n"
		"                are told, the others granted.\n\n" LIMITS_HELP
		"By default those of the zone.\n\n"
		"examples:\n"
		"  portalctl grant 02:00:5e:10:00:01\n"
		"  portalctl grant 02:00:5e:10:00:01 --for 7d --note 'printer, room 12'\n"
		"  portalctl grant --file devices.txt --zone guest --for 30d\n"
		"  ssh old-gateway portalctl list --json | jq -r '.sessions[].mac' | portalctl grant --file -\n",
	.options = OPTION_ZONE | OPTION_FOR | OPTION_LIMITS | OPTION_NOTE | OPTION_FILE,
	.args_max = -1,
	.run = run_grant,
};

const struct command command_set = {
	.name = "set",
	.usage = "MAC... [--zone ZONE] [--for [+|-]TIME] [LIMITS] [--note TEXT]",
	.summary = "change sessions that run",
	.help = "Changes the rest of the time, the limits or the note of sessions.  Open connections go on, and what\n"
		"was used counts on.\n\n"
		"  --zone ZONE   in this zone only; by default in all\n"
		"  --for TIME    from now on; with + or - before it, more or less than is left\n"
		"  --note TEXT   shown by list and show\n\n" LIMITS_HELP "\n"
		"examples:\n"
		"  portalctl set 02:00:5e:10:00:01 --for +1h\n"
		"  portalctl set 02:00:5e:10:00:01 --rate-down 50M --quota-total none\n",
	.options = OPTION_ZONE | OPTION_FOR | OPTION_LIMITS | OPTION_NOTE,
	.args_min = 1,
	.args_max = -1,
	.run = run_set,
};

const struct command command_revoke = {
	.name = "revoke",
	.usage = "MAC... | --all  [--zone ZONE]",
	.summary = "end guests' sessions now",
	.help = "Ends sessions at once, in both directions: open connections are cut.  The guests may log in again.\n\n"
		"  --zone ZONE   in this zone only; by default in all\n"
		"  --all         every session\n\n"
		"examples:\n"
		"  portalctl revoke 02:00:5e:10:00:01\n"
		"  portalctl revoke --all --zone guest\n",
	.options = OPTION_ZONE | OPTION_ALL,
	.args_max = -1,
	.run = run_revoke,
};

const struct command command_block = {
	.name = "block",
	.usage = "MAC... | --file FILE  [--zone ZONE] [--note TEXT]",
	.summary = "keep devices offline for good",
	.help = "Ends the sessions of devices and lets them have no other, neither by a login nor by a grant, until\n"
		"they are unblocked.  Their login page says that they get no access.\n\n"
		"  --zone ZONE   in this zone only; by default in all\n"
		"  --note TEXT   shown by list --blocked\n"
		"  --file FILE   one MAC a line, # begins a comment; - is the standard input\n\n"
		"examples:\n"
		"  portalctl block 02:00:5e:10:00:01 --note 'sends spam'\n"
		"  portalctl list --blocked\n",
	.options = OPTION_ZONE | OPTION_NOTE | OPTION_FILE,
	.args_max = -1,
	.run = run_block,
};

const struct command command_unblock = {
	.name = "unblock",
	.usage = "MAC... | --file FILE  [--zone ZONE]",
	.summary = "take devices off the block list",
	.help = "Takes back a block that was made with the same --zone, or without one.\n\n"
		"  --zone ZONE   the block of this zone; by default the one of all zones\n"
		"  --file FILE   one MAC a line, # begins a comment; - is the standard input\n\n"
		"example:\n"
		"  portalctl unblock 02:00:5e:10:00:01\n",
	.options = OPTION_ZONE | OPTION_FILE,
	.args_max = -1,
	.run = run_unblock,
};
