/* SPDX-License-Identifier: GPL-2.0-or-later */
/* grant, set and revoke. */
#include <unistd.h>

#include "common/cleanup.h"
#include "ctl/batch.h"
#include "ctl/output.h"

static enum status take_grant(struct batch *b, json_t *answer)
{
	json_int_t granted, replaced;
	json_t *refused;

	if (json_unpack(answer, "{s:I, s:I, s:o}", "granted", &granted, "replaced", &replaced,
			"refused", &refused) < 0 ||
	    granted < 0 || replaced < 0 || !json_is_array(refused))
		return ctl_nonsense("a grant");
	b->granted += (uint64_t)granted;
	b->replaced += (uint64_t)replaced;
	return batch_take_refused(b, refused);
}

static enum status take_set(struct batch *b, json_t *answer)
{
	json_t *unknown, *refused;
	json_int_t changed;

	if (json_unpack(answer, "{s:I, s:o, s:o}", "changed", &changed, "unknown", &unknown,
			"refused", &refused) < 0 ||
	    changed < 0 || !json_is_array(unknown) || !json_is_array(refused))
		return ctl_nonsense("a change");
	b->granted += (uint64_t)changed;
	enum status status = batch_take_refused(b, refused);

	return status == STATUS_DONE ? batch_take_unknown(b, unknown) : status;
}

static enum status take_revoke(struct batch *b, json_t *answer)
{
	json_int_t revoked;
	json_t *unknown;

	if (json_unpack(answer, "{s:I, s:o}", "revoked", &revoked, "unknown", &unknown) < 0 ||
	    revoked < 0 || !json_is_array(unknown))
		return ctl_nonsense("a revoke");
	b->granted += (uint64_t)revoked;
	return batch_take_unknown(b, unknown);
}

static void print_grant(const struct batch *b)
{
	char granted[UNIT_TEXT_MAX], replaced[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];

	printf("granted %s, replaced %s, refused %s\n", output_count(b->granted, granted),
	       output_count(b->replaced, replaced),
	       output_count(json_array_size(b->refused), refused));
}

static enum status run_grant(struct ctl *ctl)
{
	CLEANUP(cleanup_json) json_t *macs = json_array(), *refused = json_array();
	struct batch b = {
		.ctl = ctl, .verb = "grant", .take = take_grant, .macs = macs, .refused = refused};

	if (ctl->sign != 0)
		return complain_usage(&command_grant, "--for with a sign is for set");
	if (!ctl->file == (ctl->arg_count == 0))
		return complain_usage(&command_grant, "grant wants either MACs or --file");
	b.progress = ctl->file && isatty(STDERR_FILENO);
	enum status status = batch_run(&b);

	/* what was done before an error is done */
	if (status == STATUS_DONE || b.granted + b.replaced > 0) {
		if (ctl->json) {
			CLEANUP(cleanup_json)
			json_t *summary =
				json_pack("{s:I, s:I, s:O}", "granted", (json_int_t)b.granted,
					  "replaced", (json_int_t)b.replaced, "refused", refused);
			ctl_print_json(summary);
		} else {
			print_grant(&b);
		}
	}
	return status == STATUS_DONE && json_array_size(refused) > 0 ? STATUS_REFUSED : status;
}

static void print_set(const struct batch *b)
{
	char changed[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];

	if (b->ctl->json) {
		CLEANUP(cleanup_json)
		json_t *summary = json_pack("{s:I, s:O, s:O}", "changed", (json_int_t)b->granted,
					    "unknown", b->unknown, "refused", b->refused);
		ctl_print_json(summary);
	} else {
		printf("changed %s, refused %s\n", output_count(b->granted, changed),
		       output_count(json_array_size(b->unknown) + json_array_size(b->refused),
				    refused));
	}
}

static enum status run_set(struct ctl *ctl)
{
	CLEANUP(cleanup_json)
	json_t *macs = json_array(), *refused = json_array(), *unknown = json_array();
	struct batch b = {.ctl = ctl,
			  .verb = "set",
			  .take = take_set,
			  .macs = macs,
			  .refused = refused,
			  .unknown = unknown};

	if (!(ctl->given & (OPTION_FOR | OPTION_NOTE | OPTION_LIMITS)))
		return complain_usage(&command_set, "set wants something to change");
	enum status status = batch_run(&b);

	if (status == STATUS_DONE || b.granted > 0)
		print_set(&b);
	if (status == STATUS_DONE && json_array_size(refused) + json_array_size(unknown) > 0)
		return STATUS_REFUSED;
	return status;
}

static void print_revoke(const struct batch *b)
{
	char revoked[UNIT_TEXT_MAX], refused[UNIT_TEXT_MAX];
	const size_t not_done = json_array_size(b->unknown) + json_array_size(b->refused);

	if (b->ctl->json) {
		CLEANUP(cleanup_json)
		json_t *summary = json_pack("{s:I, s:O, s:O}", "revoked", (json_int_t)b->granted,
					    "unknown", b->unknown, "refused", b->refused);
		ctl_print_json(summary);
	} else {
		printf("revoked %s, refused %s\n", output_count(b->granted, revoked),
		       output_count(not_done, refused));
	}
}

static enum status run_revoke(struct ctl *ctl)
{
	CLEANUP(cleanup_json)
	json_t *macs = json_array(), *refused = json_array(), *unknown = json_array();
	struct batch b = {.ctl = ctl,
			  .verb = "revoke",
			  .take = take_revoke,
			  .macs = macs,
			  .refused = refused,
			  .unknown = unknown};
	const bool all = ctl->given & OPTION_ALL;
	enum status status;

	if (all == (ctl->arg_count > 0))
		return complain_usage(&command_revoke, "revoke wants either MACs or --all");
	if (all)
		status = batch_send(&b, json_pack("{s:s, s:b, s:s*}", "verb", "revoke", "all", 1,
						  "zone", ctl->zone));
	else
		status = batch_run(&b);
	if (status == STATUS_DONE || b.granted > 0)
		print_revoke(&b);
	if (status == STATUS_DONE && json_array_size(refused) + json_array_size(unknown) > 0)
		return STATUS_REFUSED;
	return status;
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
