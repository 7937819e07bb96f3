/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a running portald cannot change, because the sockets are open, the gate has been told, and
 * the power to do it again is gone: the keys that the schema calls fixed, and the set of zones.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_private.h"

struct reload {
	const struct config *running;
	struct config *fresh;
	FILE *out;
	size_t kept;
};

/* A process without memory for a word cannot go on: it ends, the kernel keeps the sessions, the
 * supervisor starts it. */
static char *copy_text(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	return copy;
}

static bool field_equal(enum field_type type, const void *a, const void *b)
{
	const char *left, *right;

	switch (type) {
	case FIELD_TEXT:
		left = *(char *const *)a;
		right = *(char *const *)b;
		return left == right || (left && right && strcmp(left, right) == 0);
	case FIELD_PORT:
		return *(const uint16_t *)a == *(const uint16_t *)b;
	case FIELD_U32:
		return *(const uint32_t *)a == *(const uint32_t *)b;
	case FIELD_U64:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case FIELD_LEVEL:
		return *(const enum log_level *)a == *(const enum log_level *)b;
	case FIELD_NONE:
		break;
	}
	return true;
}

static void field_copy(enum field_type type, void *to, const void *from)
{
	switch (type) {
	case FIELD_TEXT:
		free(*(char **)to);
		*(char **)to = copy_text(*(char *const *)from);
		break;
	case FIELD_PORT:
		*(uint16_t *)to = *(const uint16_t *)from;
		break;
	case FIELD_U32:
		*(uint32_t *)to = *(const uint32_t *)from;
		break;
	case FIELD_U64:
		*(uint64_t *)to = *(const uint64_t *)from;
		break;
	case FIELD_LEVEL:
		*(enum log_level *)to = *(const enum log_level *)from;
		break;
	case FIELD_NONE:
		break;
	}
}

static void tell(struct reload *r, unsigned int line, const char *zone, const char *text)
{
	fprintf(r->out, "%s", r->fresh->path);
	if (line)
		fprintf(r->out, ":%u", line);
	if (zone)
		fprintf(r->out, ": zone \"%s\"", zone);
	fprintf(r->out, ": %s\n", text);
	r->kept++;
}

/* zone: of `fresh`, or NULL for the global keys */
static void keep_fields(struct reload *r, const struct zone_config *zone, void *fresh,
			const void *running)
{
	const struct config_key *keys = zone ? config_zone_keys : config_global_keys;
	const size_t count = zone ? config_zone_key_count : config_global_key_count;
	char text[96];

	for (size_t i = 0; i < count; i++) {
		void *to = config_field(&keys[i], fresh);
		const void *from = config_field(&keys[i], running);

		if (!keys[i].fixed || field_equal(keys[i].type, from, to))
			continue;
		snprintf(text, sizeof(text), "%s: a change needs a restart; the old value stays",
			 keys[i].name);
		tell(r, config_line(r->fresh, zone, keys[i].name), zone ? zone->name : NULL, text);
		field_copy(keys[i].type, to, from);
	}
}

static void copy_zone(struct zone_config *to, const struct zone_config *from)
{
	memset(to, 0, sizeof(*to));
	to->name = copy_text(from->name);
	pair_take(&to->pair, &from->pair);
	for (size_t i = 0; i < config_zone_key_count; i++)
		field_copy(config_zone_keys[i].type, config_field(&config_zone_keys[i], to),
			   config_field(&config_zone_keys[i], from));
}

/* The zones of `fresh` in the running order; those that are left in `fresh` afterwards are new. */
static void take_zones(struct reload *r, struct zone_config *zones)
{
	for (size_t i = 0; i < r->running->zone_count; i++) {
		const struct zone_config *running = &r->running->zones[i];
		const int at = config_find_zone(r->fresh, running->name);

		if (at < 0) {
			copy_zone(&zones[i], running);
			tell(r, 0, running->name,
			     "it is gone; taking it away needs a restart, so it stays");
			continue;
		}
		zones[i] = r->fresh->zones[at];
		memset(&r->fresh->zones[at], 0, sizeof(r->fresh->zones[at]));
		keep_fields(r, &zones[i], &zones[i], running);
	}
}

/* portald is an ordinary user now, and may not be able to read a key again. */
static void keep_pair(struct reload *r, const struct zone_config *zone, struct pair *fresh,
		      const struct pair *running)
{
	char text[160];

	if (!fresh->certificate || fresh->chain_pem)
		return;
	pair_take(fresh, running);
	snprintf(text, sizeof(text), "certificate: portald may not read it%s until a restart",
		 fresh->chain_pem ? " any more; the one before stays"
				  : "; there is no https with it");
	tell(r, config_line(r->fresh, zone, "certificate"), zone ? zone->name : NULL, text);
}

/* A pair that stays must be for the name that is to come. */
static void keep_pairs(struct reload *r, struct zone_config *zones)
{
	keep_pair(r, NULL, &r->fresh->pair, &r->running->pair);
	for (size_t i = 0; i < r->running->zone_count; i++)
		keep_pair(r, &zones[i], &zones[i].pair, &r->running->zones[i].pair);
	for (size_t i = 0; i < r->running->zone_count; i++) {
		const struct pair *p = config_pair(r->fresh, &zones[i]);
		const char *name = config_hostname(r->fresh, &zones[i]);

		if (p && p->chain_pem && name && !pair_is_for(p, name))
			pair_forget(p == &r->fresh->pair ? &r->fresh->pair : &zones[i].pair);
	}
}

size_t config_keep_fixed(const struct config *running, struct config *fresh, FILE *out)
{
	struct reload r = {.running = running, .fresh = fresh, .out = out};
	struct zone_config *zones = calloc(ZONES_MAX, sizeof(*zones));

	if (!zones)
		abort();
	keep_fields(&r, NULL, fresh, running);
	take_zones(&r, zones);
	keep_pairs(&r, zones);
	for (size_t i = 0; i < fresh->zone_count; i++) {
		struct zone_config *added = &fresh->zones[i];

		if (!added->name)
			continue;
		tell(&r, added->line, added->name,
		     "it is new; a restart brings it up, until then it is left out");
		config_zone_release(added);
	}
	memcpy(fresh->zones, zones, sizeof(fresh->zones));
	fresh->zone_count = running->zone_count;
	free(zones);
	return r.kept;
}
