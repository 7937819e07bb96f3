/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* From here on the process can only serve: the system calls of portal/seal.c, no other.  Its packet sockets, `count` of them from
 * first_packet_fd on, can only be told to send on the interface that the gate has bound them to.  Negative errno. */
int seal_worker(int first_packet_fd, int count);
