/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/store_row.h"

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) && text_is_plain(text);
}

static bool is_guest(const struct mac *mac)
{
	static const struct mac zero;

	return !(mac->b[0] & 1) && !mac_equal(mac, &zero);
}

bool store_session_is_valid(const struct store_session *session)
{
	return is_text(session->zone, sizeof(session->zone)) && session->zone[0] &&
	       is_text(session->note, sizeof(session->note)) && is_guest(&session->mac) &&
	       (session->how == HOW_LOGIN || session->how == HOW_GRANT);
}

bool store_entry_is_valid(const struct store_entry *entry)
{
	return is_text(entry->zone, sizeof(entry->zone)) &&
	       is_text(entry->note, sizeof(entry->note)) && is_guest(&entry->mac) &&
	       (entry->list == STORE_TRUST || entry->list == STORE_BLOCK);
}

uint64_t now_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void store_clock_now(struct store_clock *ret_clock)
{
	CLEANUP(cleanup_close)
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	const uint64_t boot_ms = now_boot_ms(), unix_ms = now_unix_ms(), past_ms = unix_ms % 1000;
	struct store_clock clock = {.boot_ms = boot_ms > past_ms ? boot_ms - past_ms : 0,
				    .unix_s = unix_ms / 1000};
	ssize_t n = fd >= 0 ? read(fd, clock.boot_id, sizeof(clock.boot_id) - 1) : -1;

	clock.boot_id[n > 0 ? n : 0] = '\0';
	clock.boot_id[strcspn(clock.boot_id, "\n")] = '\0';
	*ret_clock = clock;
}
