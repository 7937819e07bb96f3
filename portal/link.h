/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a request wants to go and which links we may write: pure functions over Host headers,
 * request targets and URLs. Everything here came from a guest; what is not plainly well-formed is
 * treated as absent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"

enum {
	LINK_HOST_MAX = 264,   /* with its NUL: a name of 253 bytes, brackets, a port */
	LINK_TO_MAX = 513,     /* with its NUL: a URL that a guest wanted to see */
	LINK_ORIGIN_MAX = 272, /* with its NUL: "http://" and a host */
	LINK_LOGIN_MAX = LINK_ORIGIN_MAX + 16 + 3 * LINK_TO_MAX,
};

/* A request target (RFC 9112, 3.2) taken apart.  path and query point into the target. */
struct link_target {
	char host[LINK_HOST_MAX]; /* of the absolute form, else of the Host header; "" if absent or
				     malformed */
	bool host_given;	  /* there is one, if only a malformed one */
	const char *path;	  /* begins with '/'; "" for the authority and asterisk forms */
	size_t path_len;
	const char *query; /* behind '?'; NULL if there is none */
};

/* host_header may be NULL */
void link_split(const char *target, const char *host_header, struct link_target *ret_target);

/* host: as link_split() gives it.  The bytes of its name, without port 80 and the dot of a full name;
 * 0: none, or another port. */
size_t link_name_length(const char *host);
/* The same host.  Does it name the portal: `hostname` (may be NULL), or the
 * address that the guest connected to, on port 80? */
bool link_is_portal(const char *host, const char *hostname, const struct addr *local);
/* Is host an address in place of a name? */
bool link_is_address(const char *host);
/* A host name as configured: letters, digits, '-', '.'; at most 253 bytes */
bool link_is_hostname(const char *name);

/* The portal's origin, without a slash at the end: by name if there is one, else by the gateway's
 * address. */
void link_origin(const char *hostname, const struct addr *local,
		 char ret_origin[static LINK_ORIGIN_MAX]);

/* The same over TLS, which needs the name. */
void link_secure_origin(const char *hostname, char ret_origin[static LINK_ORIGIN_MAX]);

/* The URL that this request was for, if it is one to come back to later: "" for what operating
 * systems and browsers ask by themselves to find out whether they are online, and for what is too
 * long or malformed. */
void link_original(const struct link_target *target, char ret_url[static LINK_TO_MAX]);
/* An absolute http or https URL with a well-formed host, nothing but URL characters (RFC 3986, 2),
 * and not too long */
bool link_is_web(const char *url);
/* The host of such a URL, for showing */
void link_host(const char *url, char ret_host[static LINK_HOST_MAX]);

/* "ORIGIN/PATH", or "ORIGIN/PATH?to=URL" if url is not "" */
void link_with_to(const char *origin, const char *path, const char *url,
		  char ret_link[static LINK_LOGIN_MAX]);
