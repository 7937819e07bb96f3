/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that portald.conf names. */
#pragma once

#include "daemon/config_private.h"

/* Reads at most CONFIG_FILE_MAX bytes; *ret_text has a NUL after them.  -EFBIG: there are more;
 * another negative errno. */
int config_read_file(const char *path, char **ret_text, size_t *ret_len);

/* The same; -EINVAL: it is no regular file, and was not opened. */
int config_read_regular(const char *path, char **ret_text, size_t *ret_len);

/* An absolute path, or one relative to the configuration file's folder, into *field.  Complains. */
int config_resolve(struct config_load *l, const char *value, char **field);
/* That it can be read and is not too large.  Complain. */
int config_check_file(struct config_load *l, const char *path);
int config_check_pages(struct config_load *l, const char *path);
