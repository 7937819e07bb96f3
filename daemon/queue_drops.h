/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has dropped of queues (NFQUEUE) because they were full or their reader was too slow: columns 6 and 7 of
 * /proc/net/netfilter/nfnetlink_queue (seq_show() of net/netfilter/nfnetlink_queue.c), which root alone may open.  Packets
 * that find a queue full get no number, so that nobody who reads the queue can count them.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* As root; loads the kernel's module if it is one.  NULL: there is no such file; the log says so. */
FILE *queue_drops_open(void);

/* Of `count` queues from number `first` on, since they were bound.  0; -ENOENT: drops is NULL; negative errno. */
int queue_drops_read(FILE *drops, uint32_t first, uint32_t count, uint64_t *ret_packets);
