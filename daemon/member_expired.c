/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a session's time, which the kernel sees by itself, unless it has not heard of a new end yet. */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/control_event.h"
#include "daemon/forget.h"
#include "daemon/member.h"
#include "daemon/persist.h"

enum { CUT_OFF_MS = 1000 }; /* in which the gate has answered, as a rule */

static void cut_off(void *data, int error, size_t count)
{
	(void)count;
	if (error < 0)
		engine_fail(data, "a session that has ended cannot be cut off: %s",
			    strerror(-error));
}

/* The clock was set, and the kernel has not been told of the new end.  A grant that is on its way is to win. */
static void cut_off_first(struct engine *e, struct session *s)
{
	sessions_put(&e->sessions, s->key.zone, &s->key.mac, now_boot_ms() + CUT_OFF_MS);
	if (s->asked > 0)
		return;
	s->too_long = false;
	if (member_revoke(e, s->key.zone, &s->key.mac, 1, &actor_portald, "expiry", cut_off, e) < 0)
		cut_off(e, -ENOMEM, 0);
}

void member_expired(void *engine, struct session *session)
{
	struct engine *e = engine;
	char mac[MAC_TEXT_MAX];

	if (session->too_long) {
		cut_off_first(e, session);
		return;
	}
	log_info("zone %s: expiry: %s", e->config->zones[session->key.zone].name,
		 mac_format(&session->key.mac, mac));
	control_event(e, "expiry", session, 0);
	metrics_event(&e->metrics, session->key.zone, "expiry");
	persist_audit(e, &actor_portald, "expiry", session);
	persist_end(e, session, "expiry", NULL, NULL);
	forget_add(e, session);
	sessions_remove(&e->sessions, session);
	forget_then(e, NULL, NULL);
}
