/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the clocks say of the store's rows at the start: by theirs, and by ours. */
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/persist_private.h"

/* The clock of the rows when the second of their record was over: a session had no more left then than when
 * it was written. */
static uint64_t last_ms(const struct persist *p)
{
	return p->last.unix_s * 1000 + PERSIST_RECORD_MS;
}

/* The earliest that it can have been then; of a row that was written while the clock was behind, another
 * time.  Only after a reboot. */
static uint64_t earliest_ms(const struct persist *p, const struct store_session *row)
{
	return row->booted_ms ? row->booted_ms + p->last.boot_ms + PERSIST_RECORD_MS : last_ms(p);
}

/* After a reboot, what the clock says now cannot be. */
bool persist_row_is_behind(const struct persist *p, const struct store_session *row)
{
	return !p->restarted && (p->loaded_unix_ms / 1000 + 1) * 1000 < earliest_ms(p, row);
}

/* After a reboot, what it says can be, but it may have been saved when the machine went off: it was synchronised
 * once, and is not yet again.  A row that was written when nobody had synchronised it says nothing of it. */
bool persist_row_is_unsure(const struct persist *p, const struct store_session *row)
{
	return !p->restarted && !p->now.synchronised && (p->last.synchronised || row->booted_ms) &&
	       !persist_row_is_behind(p, row);
}

/* What it says, or the earliest that it can be.  One that may have been saved counts as behind by more than
 * anybody sets one that is right. */
static uint64_t clock_ms(const struct persist *p, const struct store_session *row)
{
	if (persist_row_is_behind(p, row))
		return earliest_ms(p, row);
	return p->loaded_unix_ms +
	       (persist_row_is_unsure(p, row) ? PERSIST_RECORD_MS + PERSIST_STEP_MS : 0);
}

/* When we began, by the clock of the rows. */
static uint64_t began_ms(const struct persist *p, const struct store_session *row)
{
	if (p->restarted)
		return p->last.unix_s * 1000 + p->loaded_ms - p->last.boot_ms;
	return clock_ms(p, row) + last_ms(p) - earliest_ms(p, row);
}

uint64_t persist_row_booted_ms(const struct persist *p, const struct store_session *row)
{
	if (p->restarted)
		return row->booted_ms;
	if (!persist_row_is_behind(p, row) && !persist_row_is_unsure(p, row))
		return 0;
	return clock_ms(p, row) > p->loaded_ms ? clock_ms(p, row) - p->loaded_ms : 1;
}

uint64_t persist_row_left_ms(const struct persist *p, const struct store_session *row)
{
	const uint64_t at_ms = began_ms(p, row) + now_boot_ms() - p->loaded_ms;
	const uint64_t ends_ms = row->ends_unix * 1000;

	return ends_ms > at_ms ? ends_ms - at_ms : 0;
}

bool persist_clock_was_set(const struct persist *p)
{
	const int64_t went_on = (int64_t)(p->now.boot_ms - p->last.boot_ms);
	const int64_t shows = ((int64_t)p->now.unix_s - (int64_t)p->last.unix_s) * 1000;

	return p->restarted && llabs(shows - went_on) >= 1000;
}

uint64_t persist_row_active_ms(const struct persist *p, const struct store_session *row)
{
	const uint64_t at_ms = began_ms(p, row), active_ms = row->last_active_unix * 1000;
	const uint64_t idle_ms = at_ms > active_ms ? at_ms - active_ms : 0;

	return p->loaded_ms > idle_ms ? p->loaded_ms - idle_ms : 0;
}
