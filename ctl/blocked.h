/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ctl/ctl.h"

/* list --blocked: the block list. */
enum status list_blocked(struct ctl *ctl);
