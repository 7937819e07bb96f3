/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people see: aligned tables, units, colours.  Text that comes from elsewhere is made harmless
 * for a terminal here: control characters and broken UTF-8 become '?'.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { UNIT_TEXT_MAX = 32 };

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED, COLOURS };

/* Takes a UTF-8 locale, and colours if stdout is a terminal that wants them (https://no-color.org).
 */
void output_init(void);
void output_set_colours(bool on);

/* "0 B", "999 B", "1.2 kB", "12.3 MB", "123 MB" */
const char *output_bytes(uint64_t bytes, char text[static UNIT_TEXT_MAX]);
/* "20 Mbit/s" */
const char *output_rate(uint64_t bits, char text[static UNIT_TEXT_MAX]);
/* "99,998" */
const char *output_count(uint64_t count, char text[static UNIT_TEXT_MAX]);

/* A copy that is harmless and at most `columns` wide (0: as wide as it is), with an ellipsis if it
 * was cut; malloc. */
char *output_clean(const char *text, unsigned int columns);
/* Columns of a terminal that a harmless text takes. */
unsigned int output_width(const char *text);
void output_coloured(FILE *out, enum colour colour, const char *text);

struct column {
	const char *title;
	bool right;	      /* aligned */
	unsigned int columns; /* at most; 0: no limit */
};

struct table;

/* The columns must stay.  Out of memory ends the program. */
struct table *table_create(const struct column *columns, size_t count);
void table_destroy(struct table *table);
/* Adds the next cell, row by row. */
void table_add(struct table *table, enum colour colour, const char *text);
void table_print(const struct table *table, FILE *out);
