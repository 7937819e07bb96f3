/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's clocks, as the store remembers them. */
#pragma once

#include <stdint.h>

enum { BOOT_ID_MAX = 40 }; /* with its NUL: /proc/sys/kernel/random/boot_id */

/* Both clocks at the last commit: which of them went on meanwhile tells a restart from a reboot,
 * and a clock that was not set. */
struct store_clock {
	char boot_id[BOOT_ID_MAX]; /* "": nothing was ever written */
	uint64_t boot_ms;	   /* CLOCK_BOOTTIME when that second began */
	uint64_t unix_s;	   /* CLOCK_REALTIME */
	uint64_t synchronised;	   /* 1: it is right; 0: nobody has said so */
};

/* Both clocks at the beginning of this second, to the millisecond, and whether they are synchronised. */
void store_clock_now(struct store_clock *ret_clock);
