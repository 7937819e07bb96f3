/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "portal/colour.h"

static const double contrast_wanted = 4.5;
static const struct colour black = {0, 0, 0}, white = {255, 255, 255};

int colour_parse(const char *text, struct colour *ret_colour)
{
	unsigned int r, g, b;

	if (strlen(text) != COLOUR_TEXT_MAX - 1 || text[0] != '#' ||
	    strspn(text + 1, "0123456789abcdefABCDEF") != 6)
		return -EINVAL;
	if (sscanf(text + 1, "%2x%2x%2x", &r, &g, &b) != 3)
		return -EINVAL;
	*ret_colour = (struct colour){(uint8_t)r, (uint8_t)g, (uint8_t)b};
	return 0;
}

const char *colour_format(struct colour c, char text[static COLOUR_TEXT_MAX])
{
	snprintf(text, COLOUR_TEXT_MAX, "#%02x%02x%02x", c.r, c.g, c.b);
	return text;
}

static double channel(uint8_t value)
{
	double v = value / 255.0;

	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* WCAG 2.2, "relative luminance" */
static double luminance(struct colour c)
{
	return 0.2126 * channel(c.r) + 0.7152 * channel(c.g) + 0.0722 * channel(c.b);
}

double colour_contrast(struct colour a, struct colour b)
{
	double la = luminance(a), lb = luminance(b);

	return la > lb ? (la + 0.05) / (lb + 0.05) : (lb + 0.05) / (la + 0.05);
}

struct colour colour_ink(struct colour ground)
{
	/* white on a strong colour looks right as long as it reads */
	return colour_contrast(white, ground) >= contrast_wanted ? white : black;
}

static uint8_t mix(uint8_t from, uint8_t to, int percent)
{
	return (uint8_t)((from * (100 - percent) + to * percent) / 100);
}

struct colour colour_readable(struct colour wish, struct colour ground)
{
	const struct colour ink = colour_ink(ground);
	struct colour c = wish;

	for (int percent = 0; percent < 100 && colour_contrast(c, ground) < contrast_wanted;
	     percent += 4)
		c = (struct colour){mix(wish.r, ink.r, percent), mix(wish.g, ink.g, percent),
				    mix(wish.b, ink.b, percent)};
	return colour_contrast(c, ground) < contrast_wanted ? ink : c;
}
