/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections that there are, found by guest, family and port. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/conn.h"

struct table {
	struct conn *conns; /* all slots; those in use have a state */
	size_t size, used;
	struct conn **buckets;
	size_t mask;
	struct conn *free;
	char *buffers;
	size_t buffer_len; /* of each connection's response */
};

/* -ENOMEM */
int table_init(struct table *table, size_t size, size_t buffer_len);
void table_finish(struct table *table);

struct conn *table_find(const struct table *table, uint32_t guest, uint8_t family, uint16_t port);
/* A cleared connection with its response's buffer; NULL if all are in use. */
struct conn *table_take(struct table *table);
/* guest and local are filled in now; from here on it is found. */
void table_insert(struct table *table, struct conn *conn);
void table_remove(struct table *table, struct conn *conn);
