/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was refused to guests because a limit was reached: counted, and told in the log once a
 * minute at most. */
#pragma once

enum limit {
	LIMIT_CONNECTIONS,	 /* of one listener */
	LIMIT_GUEST_CONNECTIONS, /* of one address */
	LIMIT_LIFE,		 /* of a connection */
	LIMIT_BODY,		 /* of a request */
	LIMIT_TLS,		 /* bytes of a connection, or of its handshake */
	LIMIT_QUESTIONS,	 /* to the engine */
	LIMIT_ENGINE_TIME,	 /* of its answer */
	LIMIT_MEMORY,
	LIMITS
};

enum { LIMIT_LOG_INTERVAL = 60 /* seconds */ };

void limit_reached(enum limit limit);
/* Writes what was counted since the last call, if anything. */
void limit_log(void);
