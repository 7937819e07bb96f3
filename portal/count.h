/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of diverted requests and packets, counted for the engine. */
#pragma once

#include <stddef.h>

#include "common/proto_web.h"
#include "portal/responder.h"

void count_add(size_t zone, enum web_count what, uint64_t n);
/* An answer of this status to a diverted request. */
void count_status(size_t zone, unsigned int status);
void count_packet(size_t zone, enum responder_outcome outcome);
/* Logs what was no ordinary packet, and sets its count to 0. */
void count_log_packets(uint64_t outcomes[static RESPONDER_OUTCOMES]);
/* Sends what was counted since the last call, a message for each zone with news; what cannot be sent
 * now is sent with the next. */
void count_send(int engine_fd);
