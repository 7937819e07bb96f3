/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines on stderr, one write each: "portald: text" on a terminal, "<6>text" (the syslog level
 * that journald reads) elsewhere.  Bytes from guests must be escaped or validated before they come
 * here; control characters are shown as '?'.
 */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* program: a string that stays, e.g. "portald-web" */
void log_init(const char *program);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "error", "warning", "info" or "debug"; -EINVAL for another word */
int log_parse_level(const char *word, enum log_level *ret_level);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
