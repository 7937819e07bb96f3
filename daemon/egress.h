/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel without the netdev family's egress hook (before 5.16, or built without
 * CONFIG_NETFILTER_EGRESS): towards a guest its MAC is not known, so nothing there can be counted,
 * limited or held back by it.  The gate finds out.
 */
#pragma once

#include <stdio.h>

#include "daemon/engine.h"

/* What is off there, and what of the configuration has no effect, one a line. */
void egress_tell_loss(const struct config *c, FILE *out);

/* For `portald -n`: asks the kernel, through a gate that changes nothing.  Says so if this user may
 * not ask. */
void egress_check(const struct config *c, FILE *out);

/* Of limits those that this kernel can hold a guest to. */
void egress_strip(const struct engine *e, struct limits *limits);

/* Why limits that somebody gave (bits as in struct policy_request) are refused; NULL: they are not. */
const char *egress_refusal(const struct engine *e, const struct limits *limits, unsigned int given);
