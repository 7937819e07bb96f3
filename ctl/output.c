/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <err.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>
#include <wchar.h>

#include "common/text.h"
#include "ctl/output.h"

enum { GAP = 2 /* blanks between columns */ };

static bool colours_on;

void output_set_colours(bool on)
{
	colours_on = on;
}

void output_init(void)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	colours_on = isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && term &&
		     strcmp(term, "dumb") != 0;
}

const char *output_bytes(uint64_t bytes, char text[static UNIT_TEXT_MAX])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double n = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(text, UNIT_TEXT_MAX, "%" PRIu64 " B", bytes);
		return text;
	}
	/* 999.95 would be shown as 1000.0 */
	for (; n >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		n /= 1000;
	snprintf(text, UNIT_TEXT_MAX, n < 99.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
	return text;
}

const char *output_rate(uint64_t bits, char text[static UNIT_TEXT_MAX])
{
	static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};
	double value = (double)bits;
	size_t unit = 0;

	for (; value >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		value /= 1000;
	snprintf(text, UNIT_TEXT_MAX, "%.3g %s", value, units[unit]);
	return text;
}

const char *output_count(uint64_t count, char text[static UNIT_TEXT_MAX])
{
	char digits[UNIT_TEXT_MAX];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count), to = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
	return text;
}

static unsigned int character_width(uint32_t character)
{
	int width = wcwidth((wchar_t)character);

	return width < 0 ? 1 : (unsigned int)width;
}

unsigned int output_width(const char *text)
{
	unsigned int width = 0;
	uint32_t c;
	size_t n;

	for (; *text; text += n) {
		n = text_decode(text, &c);
		if (n == 0) /* not harmless after all */
			return width + (unsigned int)strlen(text);
		width += character_width(c);
	}
	return width;
}

/* Writes one harmless character; *ret_text moves on. */
static void clean_character(const char **text, FILE *out)
{
	uint32_t c = 0;
	size_t n = text_decode(*text, &c);

	if (n == 0 || c < 0x20 || wcwidth((wchar_t)c) < 0)
		fputc('?', out);
	else
		fwrite(*text, 1, n, out);
	*text += n ? n : 1;
}

/* How many bytes of a harmless text fit. */
static size_t fitting(const char *text, unsigned int columns)
{
	unsigned int width = 0;
	size_t at = 0, n;
	uint32_t c;

	while ((n = text_decode(text + at, &c)) > 0) {
		width += character_width(c);
		if (width > columns)
			break;
		at += n;
	}
	return at;
}

char *output_clean(const char *text, unsigned int columns)
{
	static const char ellipsis[] = "\xe2\x80\xa6"; /* U+2026, one column */
	char *clean = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&clean, &size);

	if (!out)
		err(EXIT_FAILURE, "memory");
	while (*text)
		clean_character(&text, out);
	for (size_t i = 0; i < sizeof(ellipsis); i++)
		fputc('\0', out); /* room for it */
	if (fclose(out) != 0)
		err(EXIT_FAILURE, "memory");
	if (columns && output_width(clean) > columns)
		strcpy(clean + fitting(clean, columns - 1), ellipsis);
	return clean;
}

void output_coloured(FILE *out, enum colour colour, const char *text)
{
	/* ECMA-48, 8.3.117 */
	static const char *const codes[COLOURS] = {
		[COLOUR_NONE] = "",	[COLOUR_BOLD] = "1", [COLOUR_GREEN] = "32",
		[COLOUR_YELLOW] = "33", [COLOUR_RED] = "31",
	};

	if (colours_on && colour != COLOUR_NONE)
		fprintf(out, "\033[%sm%s\033[0m", codes[colour], text);
	else
		fputs(text, out);
}

struct cell {
	char *text;
	enum colour colour;
};

struct table {
	const struct column *columns;
	size_t column_count;
	struct cell *cells; /* the titles, then row by row */
	size_t count, room;
};

struct table *table_create(const struct column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		err(EXIT_FAILURE, "memory");
	table->columns = columns;
	table->column_count = count;
	for (size_t i = 0; i < count; i++)
		table_add(table, COLOUR_BOLD, columns[i].title);
	return table;
}

void table_destroy(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void table_add(struct table *table, enum colour colour, const char *text)
{
	if (table->count == table->room) {
		table->room = table->room ? table->room * 2 : 64;
		table->cells = reallocarray(table->cells, table->room, sizeof(*table->cells));
		if (!table->cells)
			err(EXIT_FAILURE, "memory");
	}
	table->cells[table->count] = (struct cell){
		.text = output_clean(text,
				     table->columns[table->count % table->column_count].columns),
		.colour = colour,
	};
	table->count++;
}

/* owed: blanks due before the next text, so that no line ends with some */
static void print_cell(const struct table *table, size_t at, unsigned int width, unsigned int *owed,
		       FILE *out)
{
	const struct cell *cell = &table->cells[at];
	const bool right = table->columns[at % table->column_count].right;
	const unsigned int pad = width - output_width(cell->text);

	if (*cell->text) {
		fprintf(out, "%*s", (int)(*owed + (right ? pad : 0)), "");
		output_coloured(out, cell->colour, cell->text);
		*owed = right ? 0 : pad;
	} else {
		*owed += width;
	}
	*owed += GAP;
	if ((at + 1) % table->column_count == 0) {
		fputc('\n', out);
		*owed = 0;
	}
}

void table_print(const struct table *table, FILE *out)
{
	unsigned int *widths = calloc(table->column_count, sizeof(*widths)), owed = 0;

	if (!widths)
		err(EXIT_FAILURE, "memory");
	for (size_t i = 0; i < table->count; i++) {
		unsigned int *width = &widths[i % table->column_count];

		*width = MAX(*width, output_width(table->cells[i].text));
	}
	for (size_t i = 0; i < table->count; i++)
		print_cell(table, i, widths[i % table->column_count], &owed, out);
	free(widths);
}
