/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "portal/route.h"

static const struct {
	const char *path;
	bool post;
	enum route_id id;
} routes[] = {
	{"/", false, ROUTE_LANDING},
	{"/login", false, ROUTE_LOGIN},
	{"/login", true, ROUTE_LOGIN_POST},
	{"/success", false, ROUTE_SUCCESS},
	{"/status", false, ROUTE_STATUS},
	{"/extend", false, ROUTE_EXTEND},
	{"/extend", true, ROUTE_EXTEND_POST},
	{"/extended", false, ROUTE_EXTENDED},
	{"/logout", false, ROUTE_LOGOUT},
	{"/logout", true, ROUTE_LOGOUT_POST},
	{"/logged-out", false, ROUTE_LOGGED_OUT},
	{"/style.css", false, ROUTE_STYLE},
	{"/logo", false, ROUTE_LOGO},
	{"/api", false, ROUTE_API},
};

int route_find(const char *method, const char *path, size_t len, enum route_id *ret_id,
	       const char **ret_allow)
{
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	bool post = strcmp(method, "POST") == 0;
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strlen(routes[i].path) != len || memcmp(routes[i].path, path, len) != 0)
			continue;
		if (routes[i].post ? post : get) {
			*ret_id = routes[i].id;
			return 0;
		}
		*ret_allow = routes[i].post ? "GET, HEAD, POST" : "GET, HEAD";
		r = -EACCES;
	}
	return r;
}
