/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/duration.h"
#include "common/session_limits.h"

#define YEARS_10 (3650 * UINT64_C(86400))
#define EXBI	 (UINT64_C(1) << 60)
#define TERABIT	 UINT64_C(1000000000000) /* beyond, the kernel's arithmetic overflows */

#define FIELD(name, unit, member, max)                                                             \
	{                                                                                          \
		name, unit, offsetof(struct limits, member), max                                   \
	}

const struct limit_field limit_fields[SESSION_LIMITS] = {
	FIELD("idle", LIMIT_SECONDS, idle, YEARS_10),
	FIELD("quota-up", LIMIT_BYTES, quota_up, EXBI),
	FIELD("quota-down", LIMIT_BYTES, quota_down, EXBI),
	FIELD("quota-total", LIMIT_BYTES, quota_total, EXBI),
	FIELD("rate-up", LIMIT_BITS, rate_up, TERABIT / 10),
	FIELD("rate-down", LIMIT_BITS, rate_down, TERABIT / 10),
};

static const struct {
	char letter;
	uint64_t decimal, binary;
} prefixes[] = {
	{'k', 1000, UINT64_C(1) << 10},
	{'M', 1000 * 1000, UINT64_C(1) << 20},
	{'G', 1000 * 1000 * 1000, UINT64_C(1) << 30},
	{'T', TERABIT, UINT64_C(1) << 40},
};

uint64_t *limit_at(struct limits *limits, size_t i)
{
	return (uint64_t *)(void *)((char *)limits + limit_fields[i].offset);
}

uint64_t limit_value(const struct limits *limits, size_t i)
{
	return *(const uint64_t *)(const void *)((const char *)limits + limit_fields[i].offset);
}

/* "G", "Gi", "": what it multiplies by; 0: none of these. */
static uint64_t factor_of(const char *text)
{
	if (!*text)
		return 1;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (*text != prefixes[i].letter)
			continue;
		if (!text[1])
			return prefixes[i].decimal;
		return strcmp(text + 1, "i") == 0 ? prefixes[i].binary : 0;
	}
	return 0;
}

/* Digits of a fraction beyond the first six say nothing. */
static int amount_parse(const char *text, uint64_t *ret_value)
{
	uint64_t whole = 0, part = 0, scale = 1;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		if (whole > UINT64_MAX / 10 - 1)
			return -ERANGE;
		whole = whole * 10 + (uint64_t)(*text - '0');
	}
	if (*text == '.' && !isdigit((unsigned char)text[1]))
		return -EINVAL;
	for (text += *text == '.'; isdigit((unsigned char)*text); text++) {
		if (scale == 1000000)
			continue;
		part = part * 10 + (uint64_t)(*text - '0');
		scale *= 10;
	}
	const uint64_t factor = factor_of(text);

	if (factor == 0)
		return -EINVAL;
	if (whole > EXBI / factor)
		return -ERANGE;
	*ret_value = whole * factor + part * factor / scale;
	return 0;
}

int limit_parse(enum limit_unit unit, const char *text, uint64_t *ret_value)
{
	uint64_t value = 0, max = 0;
	int r = 0;

	if (strcmp(text, "none") == 0) {
		*ret_value = 0;
		return 0;
	}
	r = unit == LIMIT_SECONDS ? duration_parse(text, &value) : amount_parse(text, &value);
	for (size_t i = 0; i < SESSION_LIMITS; i++) {
		if (limit_fields[i].unit == unit)
			max = limit_fields[i].max;
	}
	if (r == 0 && (value == 0 || value > max))
		r = -ERANGE;
	if (r == 0)
		*ret_value = value;
	return r;
}
