/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the host fit the configuration?  All of it looks at the network namespace of the caller, and
 * changes nothing. Messages go to `out`, one a line: what is wrong, and what to set.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct account;
struct config;

/* Settings that break a busy guest network, and interfaces that are not there (yet): warnings, and
 * their number. */
size_t check_host(const struct config *c, FILE *out);

/* -EINVAL: an interface is there and not Ethernet-like, so guests on it have no MAC. */
int check_interfaces(const struct config *c, FILE *out);

/* Negative errno: a start could not have state-dir or run-dir.  What makes them unsafe or useless is a
 * warning.  engine: portald's user, or NULL if there is none. */
int check_folders(const struct config *c, const struct account *engine, FILE *out);

/* -EADDRINUSE: somebody listens on a zone's port.  beside_running: that may be the portald that
 * runs, so it is fine. */
int check_ports(const struct config *c, FILE *out, bool beside_running);
