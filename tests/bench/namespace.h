/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that send made-up frames ask here first. */
#pragma once

#include <stdbool.h>

/* Are we in a network namespace that somebody made?  False for that of process 1, for the kernel's
 * first one, and if we cannot tell: that is where the real networks are. */
bool namespace_is_made(void);
