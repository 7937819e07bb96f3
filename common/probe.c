/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <strings.h>

#include "common/probe.h"
#include "common/text.h"

enum { HOST_MAX = 253 };

/* RFC 3986, 3.3; '*' is among them */
static bool is_path(const char *path)
{
	const size_t n = text_span(path, "-._~/!$&'()*+,;=:@%");
	const char *star = strchr(path, '*');

	return path[n] == '\0' && (!star || star[1] == '\0');
}

bool probe_is_pattern(const char *text)
{
	const size_t len = strcspn(text, "/");
	const char *name = text;

	if (text[len] != '/' || strlen(text) >= PROBE_TEXT_MAX || !is_path(text + len))
		return false;
	if (len == 1 && *text == '*')
		return true;
	if (strncmp(text, "*.", 2) == 0)
		name += 2;
	const size_t name_len = len - (size_t)(name - text);

	return name_len > 0 && name_len <= HOST_MAX && text_span(name, "-._") >= name_len &&
	       *name != '.' && name[name_len - 1] != '.';
}

static bool matches_host(const char *pattern, size_t pattern_len, const char *host, size_t len)
{
	if (*pattern == '*') {
		pattern++;
		pattern_len--;
		if (len <= pattern_len)
			return pattern_len == 0;
		host += len - pattern_len;
		len = pattern_len;
	}
	return len == pattern_len && strncasecmp(host, pattern, len) == 0;
}

static bool matches_path(const char *pattern, const char *path, size_t len)
{
	const size_t n = strcspn(pattern, "*");

	return (pattern[n] == '*' ? len >= n : len == n) && memcmp(path, pattern, n) == 0;
}

bool probe_matches(const char *pattern, const char *host, size_t host_len, const char *path,
		   size_t path_len)
{
	const size_t n = strcspn(pattern, "/");

	return matches_host(pattern, n, host, host_len) &&
	       matches_path(pattern + n, path, path_len);
}

size_t probe_split(char *list, const char *ret_patterns[static PROBES_MAX])
{
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(list, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (count < PROBES_MAX)
			ret_patterns[count] = word;
		count++;
	}
	return count;
}
