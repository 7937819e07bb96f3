/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS answers to strangers, as the first web worker tells of them.  It can lie: then it opens single addresses of its choice
 * for strangers, of zones that list host names and for the ports that these have, at most OPENED_SHARE for each name and a day
 * long.  What no honest worker sends ends the gate.  The address of the gateway itself needs no check: the garden is asked
 * about forwarded packets alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/descriptors.h"
#include "common/garden_name.h"
#include "common/log.h"
#include "common/msg.h"
#include "nft/garden_set.h"
#include "nft/gate.h"

enum {
	OPEN_TRIES = 20,      /* while somebody flushes the ruleset again and again */
	LOG_INTERVAL = 60000, /* milliseconds between lines about answers that could not be used */
};

/* Addresses that await their transaction. */
struct opening {
	size_t count;
	struct opened_address addresses[GARDEN_CHANGE_MAX];
};

static bool answer_valid(const struct gate *gate, const struct garden_answer *a)
{
	if (a->zone >= gate->count || a->count > GARDEN_ANSWER_MAX)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!garden_address_fits(&a->found[i].addr) || a->found[i].addr.port ||
		    a->found[i].addr.pad)
			return false;
	}
	return a->count == 0 || a->names != 0;
}

/* Was it held against the list that is in force?  While a reload is under way it need not have been. */
static int check_list(const struct garden *garden, const struct garden_answer *a)
{
	if (a->list != garden_names_sum(garden))
		return 0;
	if (garden->name_count < GARDEN_NAMES_MAX && a->names >> garden->name_count)
		return -EBADMSG;
	return 1;
}

/* 0; positive errno: they stay closed; negative: exit. */
static int commit(struct gate *gate, uint32_t zone, struct opening *o, uint64_t now)
{
	int r = -EAGAIN, restored = 1;

	for (int i = 0; i < OPEN_TRIES && o->count && r < 0 && restored > 0; i++) {
		r = garden_set_open(&gate->sets, &gate->zones[zone], o->addresses, o->count, now);
		restored = r < 0 ? gate_check_tables(gate) : 0;
		if (restored < 0)
			return restored;
	}
	if (o->count == 0 || r == 0) {
		o->count = 0;
		return 0;
	}
	o->count = 0;
	opened_clear(
		&gate->opened
			 [zone]); /* what the kernel holds is not known any more; it ends by itself */
	return -r;
}

/* One that awaits it already (an answer may tell an address twice, with different TTLs) gets the new end: a transaction cannot
 * delete an element twice. */
static void await(struct opening *o, const struct opened_address *a)
{
	size_t i = 0;

	while (i < o->count && !opened_same(&o->addresses[i], a))
		i++;
	o->addresses[i] = *a;
	o->count += i == o->count;
}

/* As commit(). */
static int open_address(struct gate *gate, uint32_t zone, size_t name,
			const struct garden_address *found, struct opening *o, uint64_t now)
{
	const struct garden *garden = &gate->zones[zone].garden;
	const uint32_t ttl = found->ttl < GARDEN_TTL_MIN   ? GARDEN_TTL_MIN
			     : found->ttl > GARDEN_TTL_MAX ? GARDEN_TTL_MAX
							   : found->ttl;
	const uint64_t end = now + UINT64_C(1000) * ttl;
	int r = opened_note(&gate->opened[zone], garden, name, &found->addr, end, now);

	if (r <= 0)
		return -r;
	await(o, &(struct opened_address){.addr = found->addr,
					  .port = garden->names[name].port,
					  .protocol = garden->names[name].protocol,
					  .name = (uint8_t)name,
					  .end = end});
	return o->count == GARDEN_CHANGE_MAX ? commit(gate, zone, o, now) : 0;
}

/* As commit(). */
static int open_all(struct gate *gate, const struct garden_answer *a)
{
	const struct garden *garden = &gate->zones[a->zone].garden;
	const uint64_t now = opened_now();
	static struct opening opening;
	int failed = 0;

	opening.count = 0;
	for (size_t n = 0; n < garden->name_count; n++) {
		for (size_t i = 0; a->names >> n & 1 && i < a->count; i++) {
			int r = open_address(gate, a->zone, n, &a->found[i], &opening, now);

			if (r < 0)
				return r;
			failed = r ? r : failed;
		}
	}
	int r = commit(gate, a->zone, &opening, now);

	return r ? r : failed;
}

static void log_failure(const struct gate *gate, uint32_t zone, int error)
{
	static uint64_t last;
	const uint64_t now = opened_now();

	if (last && now - last < LOG_INTERVAL)
		return;
	last = now;
	if (error == ENOSPC)
		log_warning(
			"zone %s: a name of its walled garden has more than %d addresses open; others of it stay closed",
			gate->zones[zone].name, OPENED_SHARE);
	else
		log_warning("zone %s: the walled garden could not be opened for a DNS answer: %s",
			    gate->zones[zone].name, strerror(error));
}

int gate_take_answer(struct gate *gate)
{
	static union msg msg;
	int r = msg_recv(FD_ANSWERS, &msg, NULL);

	if (r < 0)
		return r;
	const struct garden_answer *a = &msg.garden_answer;

	if (msg.head.type != MSG_GARDEN_ANSWER || !gate->answers.opened || !answer_valid(gate, a))
		return -EBADMSG;
	r = a->count && gate->loaded ? check_list(&gate->zones[a->zone].garden, a) : 0;
	if (r > 0)
		r = open_all(gate, a);
	if (r < 0)
		return r;
	if (r > 0)
		log_failure(gate, a->zone, r);
	return answers_accept(&gate->answers, a->packet_id);
}

void gate_follow_garden(struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++) {
		if (i < gate->fresh_count && strcmp(gate->zones[i].name, gate->fresh[i].name) == 0)
			opened_follow(&gate->opened[i], &gate->zones[i].garden,
				      &gate->fresh[i].garden);
		else
			opened_clear(&gate->opened[i]);
	}
}

void gate_recall_garden(struct gate *gate)
{
	gate_close_garden(gate);
	for (size_t i = 0; i < gate->count; i++) {
		int r = 0;

		if (gate->zones[i].garden.name_count > 0)
			r = garden_set_read(&gate->sets, &gate->zones[i], &gate->opened[i]);
		if (r < 0)
			log_warning(
				"zone %s: what host names had opened of its walled garden cannot be read, and is closed: %s",
				gate->zones[i].name, strerror(-r));
	}
}

void gate_close_garden(struct gate *gate)
{
	for (size_t i = 0; i < ZONES_MAX; i++)
		opened_clear(&gate->opened[i]);
}
