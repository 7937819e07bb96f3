/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ctl/ctl.h"

/* list --blocked and --trusted; name: "blocked" or "trusted". */
enum status list_macs(struct ctl *ctl, const char *name);
