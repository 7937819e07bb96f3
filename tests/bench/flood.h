/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that send SYNs at a given rate and care for no answer. */
#pragma once

#include <stdint.h>

#include "tests/bench/options.h"
#include "tests/bench/wire.h"

struct flood {
	const struct options *options;
	struct wire *wire;
	struct mac gateway;
	uint64_t begun_at, due, sent, bytes_sent;
	uint64_t answers, bytes_answered; /* frames that came for the flooding devices */
};

void flood_init(struct flood *flood, const struct options *options, struct wire *wire,
		const struct mac *gateway, uint64_t now);
/* Sends what is due, at most a batch; what could not be sent in time is not made up for. */
void flood_run(struct flood *flood, uint64_t now);
void flood_receive(struct flood *flood, size_t len);
