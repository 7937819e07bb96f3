/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole portald.conf; and what is closed of one that is wrong. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted must be usable: a restart would bring up the same. */
static void check(const struct config *config, const char *path, FILE *out)
{
	struct config *again = NULL;

	if (config->zone_count == 0 || config->workers == 0 ||
	    __builtin_popcount(config->mark) != 1)
		abort();
	for (size_t i = 0; i < config->zone_count; i++) {
		const struct zone_config *zone = &config->zones[i];

		if (!zone->name || !zone->interface || !zone->title || !zone->accent ||
		    !zone->accent_dark || !zone->lang || !zone->session ||
		    zone->portal_port == zone->divert_port || !zone->line)
			abort();
	}
	if (config_load(path, out, &again) != 0 || config_keep_fixed(config, again, out) != 0)
		abort();
	config_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *out;
	struct config *config = NULL;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (!out)
		out = fopen("/dev/null", "w");
	if (fd < 0 || !out || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (config_load(path, out, &config) == 0)
		check(config, path, out);
	else if (config_salvage(path, out, &config) == -EINVAL)
		abort(); /* what it makes of the file is right */
	config_destroy(config);
	close(fd);
	return 0;
}
