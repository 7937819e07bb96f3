/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock that all processes share and nobody sets, which goes on while the machine sleeps; and the one that people set. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* CLOCK_BOOTTIME, in milliseconds. */
uint64_t now_boot_ms(void);

/* CLOCK_REALTIME, in seconds and in milliseconds. */
uint64_t now_unix(void);
uint64_t now_unix_ms(void);

/* Somebody keeps CLOCK_REALTIME right, as far as the kernel was told; false if it does not say. */
bool clock_is_synchronised(void);
