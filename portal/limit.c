/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/limit.h"
#include "common/log.h"

static unsigned long counts[LIMITS];

void limit_reached(enum limit limit)
{
	counts[limit]++;
}

void limit_log(void)
{
	static const char *const texts[LIMITS] = {
		[LIMIT_CONNECTIONS] = "connections refused: too many on one port",
		[LIMIT_GUEST_CONNECTIONS] = "connections refused: too many from one address",
		[LIMIT_LIFE] = "connections cut: open for too long",
		[LIMIT_BODY] = "requests not read to the end: too large",
		[LIMIT_TLS] = "connections cut: they said too much over TLS",
		[LIMIT_QUESTIONS] = "guests not served: too many questions to portald are open",
		[LIMIT_ENGINE_TIME] = "guests not served: portald did not answer in time",
		[LIMIT_MEMORY] = "requests not answered: no memory",
	};

	for (int i = 0; i < LIMITS; i++) {
		if (counts[i] > 0)
			log_warning("%lu %s", counts[i], texts[i]);
		counts[i] = 0;
	}
}
