/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is read is what each version has had: the members' set with its timeouts and comments, and what
 * their elements in the others carry.  What is written is what this version has.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "nft/load.h"
#include "nft/takeover.h"

enum { DUMP_TRIES = 8 }; /* elements may end meanwhile */

/* Of one zone. */
struct members {
	size_t count, room;
	bool out_of_memory;
	struct holding *all;
};

int takeover_is_due(struct gate *gate)
{
	static const uint16_t families[] = {NFPROTO_INET, NFPROTO_NETDEV};
	char comment[COMMENT_MAX], ours[COMMENT_MAX];

	snprintf(ours, sizeof(ours), "definitions %s", gate->ruleset.definitions);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		int r = tables_comment(&gate->tables, families[i], comment);

		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && (strcmp(comment, ours) != 0 ||
			       (families[i] == NFPROTO_NETDEV && !gate->egress)))
			return 1;
	}
	return 0;
}

static void take_member(void *data, const struct mac *mac, uint64_t ends_ms, const char *comment)
{
	struct members *m = data;

	if (m->count == m->room) {
		const size_t room = m->room ? 2 * m->room : 256;
		struct holding *larger = reallocarray(m->all, room, sizeof(*larger));

		if (!larger) {
			m->out_of_memory = true;
			return;
		}
		m->all = larger;
		m->room = room;
	}
	m->all[m->count] = (struct holding){.is = {.mac = *mac, .ends_ms = ends_ms}};
	snprintf(m->all[m->count++].is.comment, COMMENT_MAX, "%s", comment);
}

/* A zone that is new, or whose sets another version did not have, has no members. */
static int read_zone(struct gate *gate, const char *zone, struct members *m)
{
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		m->count = 0;
		r = set_dump(&gate->sets, zone, take_member, m);
	}
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	return m->out_of_memory ? -ENOMEM : set_read_holdings(&gate->sets, zone, m->all, m->count);
}

/* Those that have ended meanwhile stay away. */
static int put_zone(struct gate *gate, const char *zone, struct members *m)
{
	const uint64_t now = now_boot_ms();
	size_t n = 0;

	for (size_t i = 0; i < m->count; i++) {
		if (m->all[i].is.ends_ms == 0 || m->all[i].is.ends_ms > now)
			m->all[n++] = m->all[i];
	}
	m->count = n;
	return set_put_holdings(&gate->sets, zone, m->all, m->count);
}

/* Behind the closed guard. */
static int replace(struct gate *gate, const char *text, struct members *zones,
		   char error[static ERROR_TEXT_MAX])
{
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < gate->count && r == 0; i++) {
		r = read_zone(gate, gate->zones[i].name, &zones[i]);
		count += zones[i].count;
	}
	watch_forget(&gate->flushes);
	if (r == 0)
		r = load_run(gate, text, error);
	/* Those that are there are ours, the new ones or still the old ones.  One that is not was flushed, unheard,
	 * while none was known; the next watch_take() says so. */
	if (watch_remember(&gate->flushes) == -ENOENT)
		gate->flushes.missed = true;
	if (r < 0) { /* the tables are still the old ones */
		int opened = gate->closed ? 0 : guard_put(&gate->guard, GUARD_OPEN);

		return opened < 0 ? opened : r;
	}
	log_warning("the tables were another version's; made anew for their %zu member(s)", count);
	for (size_t i = 0; i < gate->count && r == 0; i++)
		r = put_zone(gate, gate->zones[i].name, &zones[i]);
	return r;
}

int takeover_run(struct gate *gate, const char *rules, char error[static ERROR_TEXT_MAX])
{
	CLEANUP(cleanup_free) struct members *zones = calloc(gate->count + 1, sizeof(*zones));
	CLEANUP(cleanup_free) char *text = NULL;
	char deletion[TABLES_DELETION_MAX];
	uint64_t closed_ms = 0;
	int r = watch_look(&gate->flushes);

	error[0] = '\0';
	if (r == 0)
		r = tables_deletion(&gate->tables, deletion);
	if (r < 0)
		return r;
	if (!zones || asprintf(&text, "%s%s", deletion, rules) < 0)
		return -ENOMEM;
	r = tables_try(&gate->tables, text, error);
	if (r == 0)
		r = guard_prepare(&gate->guard, gate->zones, gate->count, gate->globals.mark);
	if (r == 0)
		closed_ms = now_boot_ms();
	if (r == 0)
		r = guard_put(&gate->guard, GUARD_CLOSED);
	if (r == 0)
		r = replace(gate, text, zones, error);
	for (size_t i = 0; i < gate->count; i++)
		free(zones[i].all);
	if (r == 0)
		log_info("they are members again; nothing was forwarded for %" PRIu64 " ms",
			 now_boot_ms() - closed_ms);
	return r;
}
