/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readable colours whatever accent a venue chooses: contrast as WCAG 2.2 defines it, 4.5:1 at least
 * (1.4.3). */
#pragma once

#include <stdint.h>

enum { COLOUR_TEXT_MAX = 8 }; /* "#rrggbb" */

struct colour {
	uint8_t r, g, b;
};

/* "#rrggbb"; -EINVAL */
int colour_parse(const char *text, struct colour *ret_colour);
const char *colour_format(struct colour c, char text[static COLOUR_TEXT_MAX]);

/* 1 to 21 */
double colour_contrast(struct colour a, struct colour b);

/* Black or white, whichever reads better on `ground`; always 4.5:1 at least. */
struct colour colour_ink(struct colour ground);
/* `wish`, moved towards black or white until it reads on `ground` */
struct colour colour_readable(struct colour wish, struct colour ground);
