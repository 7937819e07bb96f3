/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

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
