/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Tells the supervisor (sd_notify(3): NOTIFY_SOCKET), e.g. "READY=1".  Without a supervisor it does
 * nothing.  The address is read and a socket opened by the first call, so call once before the
 * process loses its file system. */
void notify(const char *state);
