/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's pages, and the values that they may use; their names in templates are in values.c. */
#pragma once

enum page_id {
	PAGE_LANDING,
	PAGE_LOGIN,
	PAGE_SUCCESS,
	PAGE_STATUS,
	PAGE_LOGOUT,
	PAGE_ERROR,
	PAGE_STYLE,
	PAGES
};

enum page_value {
	/* every page: language, direction (ltr, rtl), the venue's title, whether there is a logo */
	VALUE_LANG,
	VALUE_DIR,
	VALUE_VENUE,
	VALUE_LOGO,
	VALUE_PLAIN, /* it is not encrypted */
	/* seconds, and where to, if the page moves on by itself */
	VALUE_REFRESH,
	VALUE_NEXT,
	/* forms: the token; where the guest wanted to go, its host; terms (list of paragraphs);
	   what was wrong */
	VALUE_TOKEN,
	VALUE_TO,
	VALUE_TO_HOST,
	VALUE_TERMS,
	VALUE_NOT_ACCEPTED,
	VALUE_EXPIRED,
	/* figures; at most two of days to seconds are not empty */
	VALUE_LEFT_DAYS,
	VALUE_LEFT_HOURS,
	VALUE_LEFT_MINUTES,
	VALUE_LEFT_SECONDS,
	VALUE_LEFT_PERCENT,
	VALUE_ENDLESS, /* trusted: no figures, no logout */
	VALUE_USED_DAYS,
	VALUE_USED_HOURS,
	VALUE_USED_MINUTES,
	VALUE_USED_SECONDS,
	VALUE_MORE_DAYS, /* what would be left after an extension */
	VALUE_MORE_HOURS,
	VALUE_MORE_MINUTES,
	VALUE_MORE_SECONDS,
	VALUE_EXTEND,	 /* there is one */
	VALUE_EXTENDED,	 /* one has just been */
	VALUE_DATA_LEFT, /* only with a quota */
	VALUE_DATA_LEFT_UNIT,
	VALUE_DOWN,
	VALUE_DOWN_UNIT,
	VALUE_UP,
	VALUE_UP_UNIT,
	/* logout: it is done.  error: which one */
	VALUE_DONE,
	VALUE_NOT_FOUND,
	VALUE_NOT_ALLOWED,
	VALUE_BAD_REQUEST,
	VALUE_TOO_LARGE,
	VALUE_MISDIRECTED,
	VALUE_NO_DEVICE,
	VALUE_UNVERIFIED,
	VALUE_REFUSED,
	VALUE_FAILED,
	/* style sheet: the accent, the text on it, and links, in light and in dark */
	VALUE_ACCENT,
	VALUE_INK,
	VALUE_LINK,
	VALUE_ACCENT_DARK,
	VALUE_INK_DARK,
	VALUE_LINK_DARK,
	VALUES
};

extern const char *const value_names[VALUES];
