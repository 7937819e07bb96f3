/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block and unblock. */
#include "common/cleanup.h"
#include "ctl/batch.h"
#include "ctl/output.h"

static enum status take_block(struct batch *b, json_t *answer)
{
	json_int_t blocked, ended;
	json_t *refused;

	if (json_unpack(answer, "{s:I, s:I, s:o}", "blocked", &blocked, "ended", &ended, "refused",
			&refused) < 0 ||
	    blocked < 0 || ended < 0 || !json_is_array(refused))
		return ctl_nonsense("a block");
	b->granted += (uint64_t)blocked;
	b->replaced += (uint64_t)ended;
	return batch_take_refused(b, refused);
}

static enum status take_unblock(struct batch *b, json_t *answer)
{
	json_t *unknown, *refused, *mac;
	json_int_t unblocked;
	size_t i;

	if (json_unpack(answer, "{s:I, s:o, s:o}", "unblocked", &unblocked, "unknown", &unknown,
			"refused", &refused) < 0 ||
	    unblocked < 0 || !json_is_array(unknown) || !json_is_array(refused))
		return ctl_nonsense("an unblock");
	b->granted += (uint64_t)unblocked;
	json_array_foreach (unknown, i, mac) {
		enum status status =
			json_is_string(mac) ? batch_refuse(b, json_string_value(mac),
							   batch_line_of(b, json_string_value(mac)),
							   "it is not blocked")
					    : ctl_nonsense("a MAC");

		if (status != STATUS_DONE)
			return status;
	}
	return batch_take_refused(b, refused);
}

static void print_block(const struct batch *b, bool block)
{
	char done[UNIT_TEXT_MAX], ended[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];

	if (b->ctl->json) {
		CLEANUP(cleanup_json)
		json_t *summary = json_pack("{s:I, s:O}", block ? "blocked" : "unblocked",
					    (json_int_t)b->granted, "refused", b->refused);

		if (block)
			json_object_set_new(summary, "ended",
					    json_integer((json_int_t)b->replaced));
		ctl_print_json(summary);
		return;
	}
	output_count(b->granted, done);
	output_count(json_array_size(b->refused), refused);
	if (block)
		printf("blocked %s, ended %s session(s), refused %s\n", done,
		       output_count(b->replaced, ended), refused);
	else
		printf("unblocked %s, refused %s\n", done, refused);
}

static enum status change_list(struct ctl *ctl, const struct command *command, bool block)
{
	CLEANUP(cleanup_json) json_t *macs = json_array(), *refused = json_array();
	struct batch b = {.ctl = ctl,
			  .verb = command->name,
			  .take = block ? take_block : take_unblock,
			  .macs = macs,
			  .refused = refused};

	if (!ctl->file == (ctl->arg_count == 0))
		return complain_usage(command, "%s wants either MACs or --file", command->name);
	enum status status = batch_run(&b);

	if (status == STATUS_DONE || b.granted > 0)
		print_block(&b, block);
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
