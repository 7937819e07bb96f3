/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounting: every `accounting` seconds the kernel is asked what each guest has used, in portions
 * spread over that time.  What the kernel cannot hold by itself ends here: the total quota, idle
 * guests; and guests whose quota the kernel has closed are told apart from others, so that they come
 * to the login page again.
 */
#pragma once

#include "daemon/engine.h"

struct accounting;

int accounting_create(struct engine *e);
/* Once the sessions are known.  Looks at e->config->accounting before each round. */
void accounting_begin(struct engine *e);
void accounting_destroy(struct engine *e);
