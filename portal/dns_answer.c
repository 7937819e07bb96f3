/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names are kept as in a message without compression: labels, each behind its length, in lower case.  Records may stand in
 * any order (RFC 1034, 3.6.2 wants a CNAME first, but nobody is bound to look at it): they are found first, and then the
 * chain is followed from the question on.
 */
#include <string.h>

#include "common/garden_name.h"
#include "portal/dns_answer.h"
#include "portal/dns_packet.h"

enum {
	HEADER = 12,
	NAME_MAX_WIRE = 255, /* RFC 1035, 2.3.4 */
	LABEL_MAX = 63,
	POINTER = 0xc0,
	POINTERS_MAX = 32, /* of one name */
	QUESTION_TAIL = 4, /* type, class */
	RECORD_TAIL = 10,  /* type, class, TTL, length */
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	FLAG_ANSWER = 0x8000,
	FLAGS_OTHER = 0x780f, /* opcode and RCODE: a plain query, without an error */
};

struct name {
	size_t len; /* with the empty label at its end */
	uint8_t wire[NAME_MAX_WIRE];
};

struct record {
	size_t owner, data; /* where in the message */
	uint16_t type, len;
	uint32_t ttl;
};

struct reader {
	struct dns_message message;
	size_t at;
	size_t count;
	struct record records[DNS_RECORDS_MAX];
};

static uint16_t word_at(const struct dns_message *m, size_t at)
{
	return (uint16_t)(m->data[at] << 8 | m->data[at + 1]);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* The name at `at`, wherever its pointers lead; *ret_end is what follows it there.  A pointer leads to what stands before
 * the labels that it ends, so that no name is without end (RFC 1035, 4.1.4). */
static bool read_name(const struct dns_message *m, size_t at, struct name *ret_name,
		      size_t *ret_end)
{
	size_t begin = at, end = 0, pointers = 0;

	ret_name->len = 0;
	for (;;) {
		if (at >= m->len)
			return false;
		const uint8_t length = m->data[at];

		if ((length & POINTER) == POINTER) {
			if (at + 2 > m->len || ++pointers > POINTERS_MAX)
				return false;
			end = end ? end : at + 2;
			at = word_at(m, at) & 0x3fff;
			if (at >= begin)
				return false;
			begin = at;
			continue;
		}
		if (length > LABEL_MAX || at + 1 + length > m->len ||
		    ret_name->len + 1 + length > sizeof(ret_name->wire))
			return false;
		ret_name->wire[ret_name->len++] = length;
		for (size_t i = 1; i <= length; i++)
			ret_name->wire[ret_name->len++] = lower(m->data[at + i]);
		at += 1U + length;
		if (length == 0)
			break;
	}
	*ret_end = end ? end : at;
	return true;
}

static bool same_name(const struct name *a, const struct name *b)
{
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

/* As garden_match() takes it.  False: a label has bytes that no host name has, a dot for instance. */
static bool name_text(const struct name *name, char text[static NAME_MAX_WIRE])
{
	size_t len = 0;

	for (size_t at = 0; name->wire[at]; at += 1U + name->wire[at]) {
		for (size_t i = 1; i <= name->wire[at]; i++) {
			const uint8_t c = name->wire[at + i];

			if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
			    c != '_')
				return false;
			text[len++] = (char)c;
		}
		text[len++] = '.';
	}
	text[len ? len - 1 : 0] = '\0';
	return len > 0;
}

static bool read_record(struct reader *r)
{
	const struct dns_message *m = &r->message;
	struct record *record = &r->records[r->count];
	struct name owner;
	size_t at;

	if (!read_name(m, r->at, &owner, &at) || m->len - at < RECORD_TAIL)
		return false;
	*record = (struct record){
		.owner = r->at,
		.data = at + RECORD_TAIL,
		.type = word_at(m, at),
		.len = word_at(m, at + 8),
		.ttl = (uint32_t)word_at(m, at + 4) << 16 | word_at(m, at + 6),
	};
	if (record->len > m->len - record->data)
		return false;
	if (record->ttl > INT32_MAX) /* RFC 2181, 8 */
		record->ttl = 0;
	r->at = record->data + record->len;
	r->count +=
		word_at(m, at + 2) == CLASS_IN &&
		(record->type == TYPE_A || record->type == TYPE_AAAA || record->type == TYPE_CNAME);
	return true;
}

static bool read_question(struct reader *r, struct name *ret_name)
{
	const struct dns_message *m = &r->message;

	if (m->len < HEADER || (word_at(m, 2) & (FLAG_ANSWER | FLAGS_OTHER)) != FLAG_ANSWER ||
	    word_at(m, 4) != 1 || !read_name(m, HEADER, ret_name, &r->at) ||
	    m->len - r->at < QUESTION_TAIL)
		return false;
	r->at += QUESTION_TAIL;
	return true;
}

/* Those of the answer that matter.  Where the message is cut off, what came before stands. */
static void read_records(struct reader *r)
{
	const size_t count = word_at(&r->message, 6);

	for (size_t i = 0; i < count && r->count < DNS_RECORDS_MAX; i++) {
		if (!read_record(r))
			break;
	}
}

static bool owned_by(const struct reader *r, const struct record *record, const struct name *name)
{
	struct name owner;
	size_t end;

	return read_name(&r->message, record->owner, &owner, &end) && same_name(&owner, name);
}

/* Goes on to where a CNAME leads; false if there is none. */
static bool follow(const struct reader *r, struct name *name, uint32_t *ttl)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct record *record = &r->records[i];
		struct name next;
		size_t end;

		if (record->type != TYPE_CNAME || !owned_by(r, record, name) ||
		    !read_name(&r->message, record->data, &next, &end))
			continue;
		*name = next;
		*ttl = record->ttl < *ttl ? record->ttl : *ttl;
		return true;
	}
	return false;
}

static void take_address(const struct reader *r, const struct record *record, uint32_t ttl,
			 struct dns_answer *answer)
{
	struct garden_address found = {.ttl = record->ttl < ttl ? record->ttl : ttl};

	found.addr.family = record->type == TYPE_A ? 4 : 6;
	if (record->len != (record->type == TYPE_A ? 4 : 16))
		return;
	memcpy(found.addr.b, r->message.data + record->data, record->len);
	if (garden_address_fits(&found.addr) && answer->count < GARDEN_ANSWER_MAX)
		answer->found[answer->count++] = found;
}

bool dns_answer_read(const uint8_t *packet, size_t len, const struct garden *garden,
		     struct dns_answer *ret_answer)
{
	struct reader r = {0};
	struct name name;
	char text[NAME_MAX_WIRE];
	uint32_t ttl = INT32_MAX;

	if (garden->name_count == 0 || !dns_packet_find(packet, len, &r.message) ||
	    !read_question(&r, &name) || !name_text(&name, text))
		return false;
	*ret_answer = (struct dns_answer){.names = garden_match(garden, text)};
	if (!ret_answer->names) /* before anything else is looked at */
		return false;
	read_records(&r);
	for (size_t i = 0; i < DNS_CHAIN_MAX && follow(&r, &name, &ttl); i++)
		;
	for (size_t i = 0; i < r.count; i++) {
		if (r.records[i].type != TYPE_CNAME && owned_by(&r, &r.records[i], &name))
			take_address(&r, &r.records[i], ttl, ret_answer);
	}
	return ret_answer->count > 0;
}
