/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <limits.h>

/*
 * Where a part of portald is: a program ("portald-gate"), "portal.nft", or "pages".  Beside the
 * running program if it is there (a build folder), else in the folder that meson configured for
 * installation.  Negative errno on failure.
 */
int find_program(const char *name, char ret_path[static PATH_MAX]);
int find_data(const char *name, char ret_path[static PATH_MAX]);
