/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guests ask for through the web workers: who am I, let me in, let me out. */
#pragma once

#include "daemon/engine.h"

/* For worker->channel.received. */
void guest_request(void *worker, const union msg *msg);
