/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The token in every form of ours: only a page that we gave to this guest, in this zone, not long
 * ago, can log it in or out.  A keyed hash over zone, MAC and time, so there is nothing to
 * remember.  libsodium must be initialised.
 */
#pragma once

#include <stdint.h>

#include "common/addr.h"

enum {
	TOKEN_SECRET_LEN = 32,
	TOKEN_TEXT_MAX = 64,  /* with its NUL: 40 bytes in base64url */
	TOKEN_LIFE = 30 * 60, /* seconds; a form older than that is shown again */
	TOKEN_SKEW = 60, /* seconds that a token may come from the future: clocks are set back */
};

/* now: seconds since the epoch */
void token_make(const uint8_t secret[static TOKEN_SECRET_LEN], const char *zone,
		const struct mac *mac, int64_t now, char ret_text[static TOKEN_TEXT_MAX]);

/* 0; -EINVAL: not made by token_make() for this zone and MAC; -ETIME: too old */
int token_check(const uint8_t secret[static TOKEN_SECRET_LEN], const char *zone,
		const struct mac *mac, int64_t now, const char *text);
