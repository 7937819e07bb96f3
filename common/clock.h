/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock that all processes share and nobody sets: it goes on while the machine sleeps. */
#pragma once

#include <stdint.h>

/* CLOCK_BOOTTIME, in milliseconds. */
uint64_t now_boot_ms(void);
