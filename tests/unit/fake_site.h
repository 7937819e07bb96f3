/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bundle as the engine makes it, with portald's own pages, for tests. */
#pragma once

#include "portal/site.h"

/* data NULL leaves the entry out, len 0 means that data is a string */
struct fake_entry {
	const char *name, *data;
	size_t len;
};

/* One zone, "guest"; `changes` (ended by a name NULL) replace or add entries.  As site_load(). */
int fake_site(const struct fake_entry *changes, struct site **ret_site,
	      char ret_error[static SITE_ERROR_MAX]);
