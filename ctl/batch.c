/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/proto.h"
#include "ctl/batch.h"
#include "ctl/output.h"

enum { FILE_LINE_MAX = 256 };

static enum status no_memory(void)
{
	complain("out of memory");
	return STATUS_REFUSED;
}

static void clear_progress(const struct batch *b)
{
	if (b->progress)
		fputs("\r\033[K", stderr);
}

static void show_progress(const struct batch *b)
{
	char count[UNIT_TEXT_MAX];

	if (b->progress)
		fprintf(stderr, "\r%s MACs granted ...",
			output_count(b->granted + b->replaced, count));
}

enum status batch_refuse(struct batch *b, const char *mac, unsigned long line, const char *why)
{
	/* no "mac" if the text is no UTF-8 */
	json_t *entry = json_pack("{s:o*, s:s}", "mac", json_string(mac), "why", why);

	clear_progress(b);
	if (line)
		complain("%s:%lu: %s: %s", b->file, line, mac, why);
	else
		complain("%s: %s", mac, why);
	if (line)
		json_object_set_new(entry, "line", json_integer((json_int_t)line));
	return json_array_append_new(b->refused, entry) < 0 ? no_memory() : STATUS_DONE;
}

unsigned long batch_line_of(const struct batch *b, const char *mac)
{
	for (size_t i = 0; i < json_array_size(b->macs); i++) {
		if (strcasecmp(json_string_value(json_array_get(b->macs, i)), mac) == 0)
			return b->lines[i];
	}
	return 0;
}

enum status batch_take_refused(struct batch *b, json_t *refused)
{
	const char *mac, *why;
	json_t *entry;
	size_t i;

	json_array_foreach (refused, i, entry) {
		if (json_unpack(entry, "{s:s, s:s}", "mac", &mac, "why", &why) < 0)
			return ctl_nonsense("a refusal");
		enum status status = batch_refuse(b, mac, batch_line_of(b, mac), why);

		if (status != STATUS_DONE)
			return status;
	}
	return STATUS_DONE;
}

enum status batch_take_unknown(struct batch *b, json_t *unknown)
{
	json_t *mac;
	size_t i;

	json_array_foreach (unknown, i, mac) {
		if (!json_is_string(mac))
			return ctl_nonsense("a MAC");
		complain("%s: there is no session", json_string_value(mac));
	}
	return json_array_extend(b->unknown, unknown) < 0 ? no_memory() : STATUS_DONE;
}

enum status batch_send(struct batch *b, json_t *request)
{
	CLEANUP(cleanup_json) json_t *answer = NULL;
	const struct ctl *ctl = b->ctl;

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
	clear_progress(b);
	show_progress(b);
	enum status status = ctl_ask(b->ctl, request, &answer);

	return status == STATUS_DONE ? b->take(b, answer) : status;
}

static enum status flush(struct batch *b)
{
	b->flushed = true;
	enum status status =
		batch_send(b, json_pack("{s:s, s:O, s:s*, s:s*}", "verb", b->verb, "macs", b->macs,
					"zone", b->ctl->zone, "note", b->ctl->note));

	json_array_clear(b->macs);
	return status;
}

static enum status add(struct batch *b, const char *text, unsigned long line)
{
	char normal[MAC_TEXT_MAX];
	struct mac mac;

	if (mac_parse(text, &mac) < 0)
		return batch_refuse(b, text, line,
				    "no device's MAC address; write it like 02:00:5e:10:00:01");
	b->lines[json_array_size(b->macs)] = line;
	if (json_array_append_new(b->macs, json_string(mac_format(&mac, normal))) < 0)
		return no_memory();
	return json_array_size(b->macs) == BATCH_MAX ? flush(b) : STATUS_DONE;
}

/* The next line without its comment; `flaw` is why no MAC can be in it, or NULL.  False: there is none. */
static bool read_line(FILE *file, char line[static FILE_LINE_MAX], const char **ret_flaw)
{
	bool comment = false;
	size_t len = 0;
	int c;

	*ret_flaw = NULL;
	while ((c = getc(file)) != EOF && c != '\n') {
		comment = comment || c == '#';
		if (comment)
			continue;
		if (c == '\0')
			*ret_flaw = "a NUL byte is no part of a MAC address";
		if (len == FILE_LINE_MAX - 1)
			*ret_flaw = "too long for a MAC address";
		else
			line[len++] = (char)c;
	}
	line[len] = '\0';
	return c != EOF || len > 0;
}

/* Without the blanks around. */
static char *strip(char *line)
{
	static const char blanks[] = " \t\r";

	line += strspn(line, blanks);
	for (size_t len = strlen(line); len > 0 && strchr(blanks, line[len - 1]); len--)
		line[len - 1] = '\0';
	return line;
}

static enum status add_lines(struct batch *b, FILE *file)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	const size_t mark_len = sizeof(byte_order_mark) - 1;
	enum status status = STATUS_DONE;
	char line[FILE_LINE_MAX];
	const char *flaw;

	for (unsigned long n = 1; status == STATUS_DONE && read_line(file, line, &flaw); n++) {
		const bool marked = n == 1 && strncmp(line, byte_order_mark, mark_len) == 0;
		const char *text = strip(marked ? line + mark_len : line);

		if (flaw)
			status = batch_refuse(b, "this line", n, flaw);
		else if (*text)
			status = add(b, text, n);
	}
	if (status == STATUS_DONE && ferror(file)) {
		complain("%s cannot be read: %s", b->file, strerror(errno));
		return STATUS_REFUSED;
	}
	return status;
}

static enum status add_file(struct batch *b, const char *path)
{
	if (strcmp(path, "-") == 0) {
		b->file = "stdin";
		return add_lines(b, stdin);
	}

	CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");

	if (!file) {
		complain("%s cannot be read: %s", path, strerror(errno));
		return STATUS_REFUSED;
	}
	b->file = path;
	return add_lines(b, file);
}

enum status batch_run(struct batch *b)
{
	enum status status = STATUS_DONE;

	if (b->ctl->file)
		status = add_file(b, b->ctl->file);
	for (int i = 0; i < b->ctl->arg_count && status == STATUS_DONE; i++)
		status = add(b, b->ctl->args[i], 0);
	/* of a file without MACs the gateway is asked too: whether it is there, and whether it has the zone */
	if (status == STATUS_DONE && (json_array_size(b->macs) > 0 || (b->file && !b->flushed)))
		status = flush(b);
	clear_progress(b);
	return status;
}
