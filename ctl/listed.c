/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block, unblock, trust and untrust. */
#include <string.h>

#include "common/cleanup.h"
#include "ctl/batch.h"
#include "ctl/output.h"

static const struct list_verb {
	const struct command *command;
	const char *done;	/* in the answer, and for people */
	const char *not_listed; /* NULL: it adds to the list */
} verbs[] = {
	{&command_block, "blocked", NULL},
	{&command_unblock, "unblocked", "it is not blocked"},
	{&command_trust, "trusted", NULL},
	{&command_untrust, "untrusted", "it is not trusted"},
};

static const struct list_verb *find_verb(const char *name)
{
	const struct list_verb *v = verbs;

	while (strcmp(v->command->name, name) != 0)
		v++;
	return v;
}

static enum status take_unlisted(struct batch *b, const json_t *unknown, const char *why)
{
	json_t *mac;
	size_t i;

	json_array_foreach (unknown, i, mac) {
		const char *text = json_string_value(mac);
		enum status status = text ? batch_refuse(b, text, batch_line_of(b, text), why)
					  : ctl_nonsense("a MAC");

		if (status != STATUS_DONE)
			return status;
	}
	return STATUS_DONE;
}

static enum status take_list(struct batch *b, json_t *answer)
{
	const struct list_verb *v = find_verb(b->verb);
	json_int_t done, ended = 0;
	json_t *refused, *unknown = NULL;
	int r = v->not_listed ? json_unpack(answer, "{s:I, s:o, s:o}", v->done, &done, "unknown",
					    &unknown, "refused", &refused)
			      : json_unpack(answer, "{s:I, s:I, s:o}", v->done, &done, "ended",
					    &ended, "refused", &refused);

	if (r < 0 || done < 0 || ended < 0 || !json_is_array(refused))
		return ctl_nonsense("a change of a list");
	b->granted += (uint64_t)done;
	b->replaced += (uint64_t)ended;
	enum status status = v->not_listed ? take_unlisted(b, unknown, v->not_listed) : STATUS_DONE;

	return status == STATUS_DONE ? batch_take_refused(b, refused) : status;
}

static void print_list(const struct batch *b, const struct list_verb *v)
{
	char done[UNIT_TEXT_MAX], ended[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];

	if (b->ctl->json) {
		CLEANUP(cleanup_json)
		json_t *summary = json_pack("{s:I, s:O}", v->done, (json_int_t)b->granted,
					    "refused", b->refused);

		if (!v->not_listed)
			json_object_set_new(summary, "ended",
					    json_integer((json_int_t)b->replaced));
		ctl_print_json(summary);
		return;
	}
	output_count(b->granted, done);
	output_count(json_array_size(b->refused), refused);
	if (v->not_listed)
		printf("%s %s, refused %s\n", v->done, done, refused);
	else
		printf("%s %s, ended %s session(s), refused %s\n", v->done, done,
		       output_count(b->replaced, ended), refused);
}

static enum status change_list(struct ctl *ctl, const struct command *command)
{
	CLEANUP(cleanup_json) json_t *macs = json_array(), *refused = json_array();
	struct batch b = {.ctl = ctl,
			  .verb = command->name,
			  .take = take_list,
			  .macs = macs,
			  .refused = refused};

	if (!ctl->file == (ctl->arg_count == 0))
		return complain_usage(command, "%s wants either MACs or --file", command->name);
	enum status status = batch_run(&b);

	if (status == STATUS_DONE || b.granted > 0)
		print_list(&b, find_verb(command->name));
	return status == STATUS_DONE && json_array_size(refused) > 0 ? STATUS_REFUSED : status;
}

static enum status run_block(struct ctl *ctl)
{
	return change_list(ctl, &command_block);
}

static enum status run_unblock(struct ctl *ctl)
{
	return change_list(ctl, &command_unblock);
}

static enum status run_trust(struct ctl *ctl)
{
	return change_list(ctl, &command_trust);
}

static enum status run_untrust(struct ctl *ctl)
{
	return change_list(ctl, &command_untrust);
}

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

const struct command command_trust = {
	.name = "trust",
	.usage = "MAC... | --file FILE  [--zone ZONE] [--note TEXT]",
	.summary = "let devices pass for good, without a session",
	.help = "Lets devices online, in both directions, without a login, a limit or an end, until they are untrusted.\n"
		"A session that one has ends; its connections go on.\n\n"
		"  --zone ZONE   in this zone only; by default in all\n"
		"  --note TEXT   shown by list --trusted\n"
		"  --file FILE   one MAC a line, # begins a comment; - is the standard input\n\n"
		"examples:\n"
		"  portalctl trust 02:00:5e:10:00:01 --note 'till, ground floor'\n"
		"  portalctl list --trusted\n",
	.options = OPTION_ZONE | OPTION_NOTE | OPTION_FILE,
	.args_max = -1,
	.run = run_trust,
};

const struct command command_untrust = {
	.name = "untrust",
	.usage = "MAC... | --file FILE  [--zone ZONE]",
	.summary = "trust devices no more: they are cut off",
	.help = "Takes back a trust that was given with the same --zone, or without one: the device is a stranger at once,\n"
		"and its connections are cut.\n\n"
		"  --zone ZONE   the trust in this zone; by default the one in all zones\n"
		"  --file FILE   one MAC a line, # begins a comment; - is the standard input\n\n"
		"example:\n"
		"  portalctl untrust 02:00:5e:10:00:01\n",
	.options = OPTION_ZONE | OPTION_FILE,
	.args_max = -1,
	.run = run_untrust,
};
