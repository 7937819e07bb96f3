/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/control.h"
#include "common/text.h"
#include "daemon/control_parse.h"

enum { NEEDS_MACS = 1, ONE_MAC = 2, MAY_ALL = 4 };

static const struct {
	const char *name;
	enum control_verb verb;
	int flags;
} verbs[] = {
	{"status", CONTROL_STATUS, 0},
	{"list", CONTROL_LIST, 0},
	{"show", CONTROL_SHOW, NEEDS_MACS | ONE_MAC},
	{"grant", CONTROL_GRANT, NEEDS_MACS},
	{"set", CONTROL_SET, NEEDS_MACS},
	{"revoke", CONTROL_REVOKE, NEEDS_MACS | MAY_ALL},
	{"block", CONTROL_BLOCK, NEEDS_MACS},
	{"unblock", CONTROL_UNBLOCK, NEEDS_MACS},
	{"blocked", CONTROL_BLOCKED, 0},
	{"trust", CONTROL_TRUST, NEEDS_MACS},
	{"untrust", CONTROL_UNTRUST, NEEDS_MACS},
	{"trusted", CONTROL_TRUSTED, 0},
	{"history", CONTROL_HISTORY, 0},
	{"metrics", CONTROL_METRICS, 0},
	{"watch", CONTROL_WATCH, 0},
};

static int refuse(char why[static ERROR_TEXT_MAX], const char *text)
{
	snprintf(why, ERROR_TEXT_MAX, "%s", text);
	return -EINVAL;
}

/* An optional text of at most size - 1 bytes, without control characters. */
static int take_text(const json_t *root, const char *key, char *buf, size_t size,
		     char why[static ERROR_TEXT_MAX])
{
	const json_t *j = json_object_get(root, key);

	buf[0] = '\0';
	if (!j || json_is_null(j))
		return 0;
	if (!json_is_string(j)) {
		snprintf(why, ERROR_TEXT_MAX, "\"%s\" must be a text", key);
		return -EINVAL;
	}
	if (json_string_length(j) >= size) {
		snprintf(why, ERROR_TEXT_MAX, "\"%s\" may have at most %zu bytes", key, size - 1);
		return -EINVAL;
	}
	if (!text_is_plain(json_string_value(j))) {
		snprintf(why, ERROR_TEXT_MAX, "\"%s\" must not have control characters", key);
		return -EINVAL;
	}
	memcpy(buf, json_string_value(j), json_string_length(j) + 1);
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mac));
}

static void sort_once(struct control_request *r)
{
	size_t kept = 0;

	if (r->mac_count == 0)
		return;
	qsort(r->macs, r->mac_count, sizeof(*r->macs), by_bytes);
	for (size_t i = 1; i < r->mac_count; i++) {
		if (!mac_equal(&r->macs[i], &r->macs[kept]))
			r->macs[++kept] = r->macs[i];
	}
	r->mac_count = kept + 1;
}

/* A MAC that is none is remembered as refused; what is no text at all makes the request nonsense.
 */
static int take_mac(struct control_request *r, const json_t *j, char why[static ERROR_TEXT_MAX])
{
	if (!json_is_string(j))
		return refuse(why, "a MAC must be a text");
	if (json_string_length(j) == MAC_TEXT_MAX - 1 &&
	    mac_parse(json_string_value(j), &r->macs[r->mac_count]) == 0) {
		r->mac_count++;
		return 0;
	}
	return json_array_append_new(
		       r->refused, json_pack("{s:s, s:s}", "mac", json_string_value(j), "why",
					     "not the MAC of a device (like 02:00:5e:10:00:01)")) <
			       0
		       ? -ENOMEM
		       : 0;
}

static int take_macs(struct control_request *r, const json_t *root, char why[static ERROR_TEXT_MAX])
{
	const json_t *one = json_object_get(root, "mac"), *many = json_object_get(root, "macs");
	size_t count = one ? 1 : json_array_size(many);

	if (!one && !json_is_array(many))
		return refuse(why, "a MAC is missing");
	if (count > CONTROL_MACS_MAX) {
		snprintf(why, ERROR_TEXT_MAX, "at most %d MACs, please", CONTROL_MACS_MAX);
		return -EINVAL;
	}
	r->macs = calloc(count + 1, sizeof(*r->macs)); /* of none: not NULL */
	if (!r->macs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int err = take_mac(r, one ? one : json_array_get(many, i), why);

		if (err < 0)
			return err;
	}
	sort_once(r);
	return 0;
}

static int take_seconds(struct control_request *r, const json_t *root,
			char why[static ERROR_TEXT_MAX])
{
	const json_t *j = json_object_get(root, "for");

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_integer(j) || json_integer_value(j) < 1)
		return refuse(why, "\"for\" must be a number of seconds, at least 1");
	r->seconds = (uint64_t)json_integer_value(j);
	return 0;
}

static int take_since(struct control_request *r, const json_t *root,
		      char why[static ERROR_TEXT_MAX])
{
	const json_t *j = json_object_get(root, "since");

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return refuse(why, "\"since\" must be a number of seconds since 1970");
	r->since = (uint64_t)json_integer_value(j);
	return 0;
}

/* For set: what comes to the time that is left. */
static int take_more(struct control_request *r, const json_t *root, char why[static ERROR_TEXT_MAX])
{
	const json_t *j = json_object_get(root, "more");

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_integer(j) || json_integer_value(j) > UINT32_MAX ||
	    json_integer_value(j) < -(json_int_t)UINT32_MAX)
		return refuse(why, "\"more\" must be a number of seconds");
	r->more = json_integer_value(j);
	return 0;
}

static int take_limits(struct control_request *r, const json_t *root,
		       char why[static ERROR_TEXT_MAX])
{
	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		const json_t *j = json_object_get(root, limit_fields[i].name);

		if (!j || json_is_null(j))
			continue;
		if (!json_is_integer(j) || json_integer_value(j) < 0 ||
		    (uint64_t)json_integer_value(j) > limit_fields[i].max) {
			snprintf(why, ERROR_TEXT_MAX, "\"%s\" must be a number from 0 to %llu",
				 limit_fields[i].name, (unsigned long long)limit_fields[i].max);
			return -EINVAL;
		}
		*limit_at(&r->limits, i) = (uint64_t)json_integer_value(j);
		r->given |= 1U << i;
	}
	return 0;
}

static int take_request(struct control_request *r, const json_t *root,
			char why[static ERROR_TEXT_MAX])
{
	const char *name = json_string_value(json_object_get(root, "verb"));

	for (size_t i = 0; name && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) != 0)
			continue;
		r->verb = verbs[i].verb;
		int err = take_text(root, "zone", r->zone, sizeof(r->zone), why);

		if (err == 0)
			err = take_text(root, "note", r->note, sizeof(r->note), why);
		if (err == 0)
			err = take_seconds(r, root, why);
		if (err == 0)
			err = take_more(r, root, why);
		if (err == 0)
			err = take_since(r, root, why);
		if (err == 0)
			err = take_limits(r, root, why);
		r->has_note = json_is_string(json_object_get(root, "note"));
		r->all = verbs[i].flags & MAY_ALL && json_is_true(json_object_get(root, "all"));
		if (err == 0 && verbs[i].flags & NEEDS_MACS && !r->all)
			err = take_macs(r, root, why);
		if (err == 0 && verbs[i].flags & ONE_MAC && r->mac_count != 1)
			return refuse(why, "not the MAC of a device (like 02:00:5e:10:00:01)");
		return err;
	}
	return refuse(why, "unknown verb; portalctl and portald are of different versions?");
}

int control_parse(const char *line, size_t len, struct control_request *ret_request,
		  char why[static ERROR_TEXT_MAX])
{
	json_auto_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	struct control_request r = {.refused = json_array()};

	if (!json_is_object(root) || !r.refused) {
		control_request_finish(&r);
		refuse(why, "not a JSON object");
		return -EBADMSG;
	}
	int err = take_request(&r, root, why);

	if (err < 0) {
		if (err == -ENOMEM)
			refuse(why, "out of memory");
		control_request_finish(&r);
		return err;
	}
	*ret_request = r;
	return 0;
}

void control_request_finish(struct control_request *request)
{
	free(request->macs);
	json_decref(request->refused);
	*request = (struct control_request){0};
}
