/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

enum { LOG_LINE_MAX = 1024 };

static const char *log_program = "portald";
static enum log_level log_level = LOG_LEVEL_INFO;
static bool log_to_terminal;

void log_init(const char *program)
{
	log_program = program;
	log_to_terminal = isatty(STDERR_FILENO);
}

void log_set_level(enum log_level level)
{
	log_level = level;
}

enum log_level log_get_level(void)
{
	return log_level;
}

int log_parse_level(const char *word, enum log_level *ret_level)
{
	static const struct {
		const char *word;
		enum log_level level;
	} levels[] = {
		{"error", LOG_LEVEL_ERROR},
		{"warning", LOG_LEVEL_WARNING},
		{"info", LOG_LEVEL_INFO},
		{"debug", LOG_LEVEL_DEBUG},
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].word, word) == 0) {
			*ret_level = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;
	int head, len;

	if (level > log_level)
		return;
	if (log_to_terminal)
		head = snprintf(line, sizeof(line), "%s: ", log_program);
	else
		head = snprintf(line, sizeof(line), "<%d>%s: ", (int)level, log_program);
	va_start(args, fmt);
	len = vsnprintf(line + head, sizeof(line) - (size_t)head, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	len += head;
	if (len > LOG_LINE_MAX - 1)
		len = LOG_LINE_MAX - 1;
	for (int i = head; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return; /* nobody left to tell */
}
