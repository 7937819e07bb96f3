/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ruleset as a whole, and the zones' interfaces.  A zone is open towards its guests when three things are done in this order:
 * its egress chain is in place, its interface is armed, and (divert "queue") its packet sockets are bound.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "nft/load.h"
#include "nft/takeover.h"

enum { LOAD_TRIES = 20 }; /* while interfaces, or other programs' rules, come and go */

static bool link_fits(const struct link *link)
{
	return link->index && link->type == ARPHRD_ETHER && !link->bridge_port;
}

/* Its addresses stand in answers from a queue; elsewhere they would only make noise. */
static int look_at(struct gate *gate, size_t zone, struct link *ret_link)
{
	int r = link_find(&gate->links, gate->zones[zone].interface, ret_link);

	if (r == 0 && ret_link->index && gate->zones[zone].divert == DIVERT_QUEUE)
		r = link_find_addrs(&gate->links, ret_link);
	return r;
}

/* Packets towards guests may pass on the interfaces in gate->armed. */
static int arm(struct gate *gate)
{
	uint32_t indexes[ZONES_MAX];

	for (size_t i = 0; i < gate->count; i++)
		indexes[i] = gate->armed[i].index;
	return set_arm_only(&gate->sets, indexes, gate->count);
}

/* How many zones before this one have divert "queue": its place among the packet sockets. */
static unsigned int nth_queue(const struct gate *gate, size_t zone)
{
	unsigned int n = 0;

	for (size_t i = 0; i < zone; i++)
		n += gate->zones[i].divert == DIVERT_QUEUE;
	return n;
}

/* Tells the web workers that read queues where the zone is. */
static int place_zone(struct gate *gate, size_t i)
{
	const struct link *link = &gate->armed[i];

	if (!link->index)
		return 0;
	int r = answers_place(&gate->answers, (uint32_t)i, link->index);

	if (r < 0 || gate->zones[i].divert != DIVERT_QUEUE)
		return r;
	return queues_bind(&gate->queues, (uint32_t)i, nth_queue(gate, i), link);
}

int gate_print(struct gate *gate)
{
	CLEANUP(cleanup_free) char *text = NULL;
	bool present[ZONES_MAX];

	memset(present, true, sizeof(present));
	int r = ruleset_render(&gate->ruleset, gate->zones, gate->opened, present, gate->count,
			       &gate->globals, &text);

	if (r < 0)
		return r;
	return fputs(text, stdout) == EOF || fflush(stdout) != 0 ? -EIO : 0;
}

int load_run(struct gate *gate, const char *text, char error[static ERROR_TEXT_MAX])
{
	int r = watch_pause(&gate->flushes);

	if (r == 0)
		r = tables_run(&gate->tables, text, error);
	int resumed = watch_resume(&gate->flushes);

	if (resumed == 0)
		resumed = watch_look(&gate->flushes);
	return r < 0 ? r : resumed;
}

/* Over tables that are like it, or none. */
static int load_alike(struct gate *gate, const char *rules, char error[static ERROR_TEXT_MAX])
{
	CLEANUP(cleanup_free) char *leftovers = NULL, *text = NULL;
	int r = tables_leftovers(&gate->tables, gate->zones, gate->count, &leftovers);

	if (r < 0)
		return r;
	if (asprintf(&text, "%s%s", rules, leftovers) < 0)
		return -ENOMEM;
	return load_run(gate, text, error);
}

/* Refused although all is as we made it: somebody put sets of his own into our tables. */
static int load_text(struct gate *gate, const struct link *links, char error[static ERROR_TEXT_MAX])
{
	CLEANUP(cleanup_free) char *rules = NULL;
	bool present[ZONES_MAX] = {false};

	for (size_t i = 0; i < gate->count; i++)
		present[i] = links[i].index != 0;
	int r = ruleset_render(&gate->ruleset, gate->zones, gate->opened, present, gate->count,
			       &gate->globals, &rules);

	if (r == 0)
		r = takeover_is_due(gate);
	if (r == 0)
		r = load_alike(gate, rules, error);
	return r == 1 || r == -EIO ? takeover_run(gate, rules, error) : r;
}

#define NO_EXPRESSION "this kernel has neither nft_queue nor xt_NFQUEUE; load or build one of them"

/* nft's own expression is in the ruleset already. */
static int add_compat_rules(struct gate *gate, char error[static ERROR_TEXT_MAX])
{
	const struct queue_target to = {.first = gate->queues.first, .count = gate->queues.count};
	int r = 0;

	for (size_t i = 0; i < gate->count && r == 0; i++) {
		if (gate->zones[i].divert == DIVERT_QUEUE && gate->queues.count > 0 &&
		    !gate->globals.queue_native)
			r = queue_add_rule(&gate->tables, false, gate->zones[i].name, "compat",
					   &to);
	}
	if (r == -ENOENT)
		snprintf(error, ERROR_TEXT_MAX, "divert \"queue\": " NO_EXPRESSION);
	return r;
}

static bool any_names(const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++) {
		if (gate->zones[i].garden.name_count > 0)
			return true;
	}
	return false;
}

/* Until every CPU is done with packets that found the rules as they were: a commit does not wait for that.  The kernel
 * implements this command by a grace period of RCU (kernel/sched/membarrier.c), and packets are filtered within one. */
static void wait_for_packets(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* The rules that queue answers go away, in a transaction of their own.  To empty the map would not do: while the new ruleset
 * comes into force, a packet can find the old rules and what the map holds in the new one, for each lookup asks anew which
 * generation is current (nft_genmask_cur()). */
static void remove_answers_rules(struct gate *gate)
{
	CLEANUP(cleanup_free) char *text = NULL;
	char error[ERROR_TEXT_MAX];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	for (size_t i = 0; i < gate->answers.zone_count; i++)
		fprintf(out, "flush chain inet portald z_%s_answers_queue\n",
			gate->answers.zones[i]);
	if (fclose(out) == 0 && len > 0 && load_run(gate, text, error) == 0)
		wait_for_packets();
}

/* Until resume_answers(), answers go on unread: while the ruleset and the guard are loaded, chains are made anew, and with a
 * chain's hook the kernel drops what waits in any queue (nf_queue_nf_hook_drop()).  Where there are no such chains, no answer
 * is queued either. */
static int pause_answers(struct gate *gate)
{
	remove_answers_rules(gate);
	return answers_release(&gate->answers);
}

static void add_answers_rule(struct gate *gate, const char *zone)
{
	struct answers *a = &gate->answers;
	const struct queue_target to = {.first = a->number, .count = 1, .bypass = true};

	if (queue_add_rule(&gate->tables, gate->globals.queue_native, zone, "answers_queue", &to) <
	    0)
		snprintf(a->trouble, sizeof(a->trouble), NO_EXPRESSION);
	else
		snprintf(a->zones[a->zone_count++], ZONE_NAME_MAX, "%s", zone);
}

/* Without its rules strangers' answers go on unread. */
static int resume_answers(struct gate *gate)
{
	int r = 0;

	gate->answers.trouble[0] = '\0';
	gate->answers.zone_count = 0;
	if (gate->answers.there && any_names(gate))
		r = answers_open(&gate->answers, gate->globals.answers_queue);
	for (size_t i = 0; i < gate->count && gate->answers.opened; i++) {
		if (gate->zones[i].garden.name_count > 0)
			add_answers_rule(gate, gate->zones[i].name);
	}
	return r;
}

static int find_links(struct gate *gate, struct link *ret_links)
{
	for (size_t i = 0; i < gate->count; i++) {
		int r = look_at(gate, i, &ret_links[i]);

		if (r < 0)
			return r;
		if (!link_fits(&ret_links[i]))
			ret_links[i] = (struct link){0};
	}
	return 0;
}

/* Have interfaces come or gone since they were found?  Then they are found again. */
static bool links_moved(struct gate *gate, struct link *links)
{
	struct link now[ZONES_MAX] = {0};
	bool moved = false;

	if (find_links(gate, now) < 0)
		return false;
	for (size_t i = 0; i < gate->count; i++)
		moved = moved || !link_equal(&now[i], &links[i]);
	memcpy(links, now, sizeof(now));
	return moved;
}

/* After the ruleset: rules of an older portald may be there until then, which set no marks. */
static int load_guard(struct gate *gate)
{
	int r = guard_prepare(&gate->guard, gate->zones, gate->count, gate->globals.mark);

	if (r == 0)
		r = guard_put(&gate->guard, gate->closed ? GUARD_CLOSED : GUARD_OPEN);
	return r < 0 ? r : watch_remember(&gate->flushes);
}

static int load_once(struct gate *gate, const struct link *links, char error[static ERROR_TEXT_MAX])
{
	int r = 0;

	error[0] = '\0';
	if (gate->queues.count > 0)
		r = queues_open(&gate->queues, gate->globals.queue_first);
	if (r == 0)
		r = pause_answers(gate);
	if (r == 0)
		r = load_text(gate, links, error);
	if (r == 0)
		r = add_compat_rules(gate, error);
	if (r == 0) {
		memcpy(gate->armed, links, sizeof(gate->armed));
		r = arm(gate); /* also away with those of an earlier run */
	}
	for (size_t i = 0; i < gate->count && r == 0; i++)
		r = place_zone(gate, i);
	if (r == 0)
		r = load_guard(gate);
	return r < 0 ? r : resume_answers(gate);
}

/* What names an interface that has just gone is refused, and a list during which somebody else's transaction came is -EINTR. */
int gate_load(struct gate *gate, char error[static ERROR_TEXT_MAX])
{
	struct link links[ZONES_MAX] = {0};
	int r = find_links(gate, links);

	if (r == 0)
		r = load_once(gate, links, error);
	for (int i = 1; i < LOAD_TRIES && r < 0 && (links_moved(gate, links) || r == -EINTR); i++)
		r = load_once(gate, links, error);
	if (r < 0 && !error[0])
		snprintf(error, ERROR_TEXT_MAX, "%s", strerror(-r));
	return r;
}

/* One that is armed already has its egress chain: only its address or its MTU is another. */
static enum link_state open_zone(struct gate *gate, size_t i, const struct link *link)
{
	CLEANUP(cleanup_free) char *text = NULL;
	char error[ERROR_TEXT_MAX] = "";
	int r = 0;

	if (gate->globals.egress && !gate->armed[i].index)
		r = ruleset_render_egress(&gate->ruleset, &gate->zones[i], &gate->globals, &text);
	if (r == 0 && text)
		r = load_run(gate, text, error);
	gate->armed[i] = *link;
	if (r == 0)
		r = arm(gate);
	if (r == 0)
		r = place_zone(gate, i);
	if (r == 0)
		return LINK_READY;
	gate->armed[i] = (struct link){0};
	log_error("zone %s: %s cannot be opened: %s", gate->zones[i].name, gate->zones[i].interface,
		  error[0] ? error : strerror(-r));
	return LINK_FAILED;
}

static void close_zone(struct gate *gate, size_t i)
{
	if (!gate->armed[i].index)
		return;
	gate->armed[i] = (struct link){0};
	int r = arm(gate);

	if (r < 0)
		log_warning("zone %s: %s stays armed: %s", gate->zones[i].name,
			    gate->zones[i].interface, strerror(-r));
}

void gate_link_gone(void *data, uint32_t index)
{
	struct gate *gate = data;

	for (size_t i = 0; i < gate->count; i++) {
		if (index == 0 || gate->armed[i].index == index)
			close_zone(gate, i);
	}
}

static enum link_state follow_zone(struct gate *gate, size_t i, const struct link *link)
{
	if (!link_fits(link)) {
		close_zone(gate, i);
		return link->index ? LINK_REFUSED : LINK_MISSING;
	}
	if (link_equal(link, &gate->armed[i]))
		return LINK_READY;
	if (link->index != gate->armed[i].index)
		close_zone(gate, i);
	return open_zone(gate, i, link);
}

int gate_follow_links(struct gate *gate)
{
	for (size_t i = 0; i < gate->count && gate->loaded; i++) {
		struct link link;
		int r = look_at(gate, i, &link);

		if (r < 0)
			return r;
		enum link_state state = follow_zone(gate, i, &link);

		if (state == gate->state[i])
			continue;
		gate->state[i] = state;
		r = msg_send(gate->engine,
			     &(struct gate_link){{MSG_GATE_LINK, 0}, (uint32_t)i, state}.head, -1);
		if (r < 0)
			return r;
	}
	const int r = gate->flushes.missed ? gate_check_tables(gate) : 0;

	return r < 0 ? r : 0;
}
