/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's own addresses, as a table. */
#pragma once

#include <stddef.h>

enum route_id {
	ROUTE_LANDING,
	ROUTE_LOGIN,
	ROUTE_LOGIN_POST,
	ROUTE_SUCCESS,
	ROUTE_STATUS,
	ROUTE_EXTEND,
	ROUTE_EXTEND_POST,
	ROUTE_EXTENDED,
	ROUTE_LOGOUT,
	ROUTE_LOGOUT_POST,
	ROUTE_LOGGED_OUT,
	ROUTE_STYLE,
	ROUTE_LOGO,
	ROUTE_API,
};

/* path: its len bytes.  HEAD is served as GET.  0; -ENOENT: no such page; -EACCES: not by this
 * method, *ret_allow is the value of the header Allow. */
int route_find(const char *method, const char *path, size_t len, enum route_id *ret_id,
	       const char **ret_allow);
