/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a request for one of the portal's pages, by route (portal.c).  reply: what the
 * engine knows of the guest, or NULL: it did not say.  0: x->response is the answer; a question (a
 * message type), after whose answer the handler is called again; or a negative errno.
 */
#pragma once

#include "portal/portal.h"

int handle_get_landing(struct exchange *x, const struct web_reply *reply);
int handle_get_login(struct exchange *x, const struct web_reply *reply);
int handle_post_login(struct exchange *x, const struct web_reply *reply);
int handle_get_success(struct exchange *x, const struct web_reply *reply);
int handle_get_status(struct exchange *x, const struct web_reply *reply);
int handle_get_extend(struct exchange *x, const struct web_reply *reply);
int handle_post_extend(struct exchange *x, const struct web_reply *reply);
int handle_get_extended(struct exchange *x, const struct web_reply *reply);
int handle_get_logout(struct exchange *x, const struct web_reply *reply);
int handle_post_logout(struct exchange *x, const struct web_reply *reply);
int handle_get_logged_out(struct exchange *x, const struct web_reply *reply);
int handle_get_style(struct exchange *x, const struct web_reply *reply);
int handle_get_logo(struct exchange *x, const struct web_reply *reply);

/* What handlers share.  path: of the portal, without the slash; with_to: with x->to. */
int handle_redirect(struct exchange *x, const char *path, bool with_to);
/* A guest that cannot be served now; next: the page to try again. */
int handle_trouble(struct exchange *x, const struct web_reply *reply, const char *next);
int handle_error(struct exchange *x, unsigned int status, enum page_value what);
bool handle_token_is_ours(const struct exchange *x, const struct web_reply *reply);
bool guest_is_online(const struct web_reply *reply);
/* Without a session, but with a MAC that a form can be made for. */
bool guest_is_stranger(const struct web_reply *reply);
