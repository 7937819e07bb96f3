/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a command ends, and says why. */
#pragma once

/* A command's outcome, and the program's exit status. */
enum status {
	STATUS_DONE = 0,
	STATUS_REFUSED = 1, /* by the gateway, or because the input is no good */
	STATUS_USAGE = 2,
	STATUS_UNREACHABLE = 3, /* no gateway, or none that can be understood */
};

struct command;

/* "portalctl: text" on stderr */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with a hint at --help; STATUS_USAGE. */
enum status complain_usage(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
