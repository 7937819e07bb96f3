/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ctl/ctl.h"

/* Fills in *ctl, and optind; -1 after a complaint.  Options may stand before and behind the command. */
int options_parse(struct ctl *ctl, int argc, char **argv);

/* The name of an option that was given and has one of these bits (enum option_bit). */
const char *option_name(const struct ctl *ctl, unsigned int bits);
