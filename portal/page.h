/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Responses of the portal's own origin: pages, files, redirects, all with its security headers.
 * Each fills x->response and returns 0, or a negative errno if there can be no answer. */
#pragma once

#include "portal/portal.h"

/* values: VALUES of them; those that every page has are filled in here.  retry_after: seconds, or
 * NULL */
int page_answer(struct exchange *x, unsigned int status, enum page_id page,
		struct template_value *values, const char *retry_after);
/* With the figures of a session that is online, status 200 */
int page_answer_session(struct exchange *x, unsigned int status, const struct web_reply *reply,
			enum page_id page, struct template_value *values);
int page_answer_file(struct exchange *x, const char *type, const char *data, size_t len);
/* Never to be stored; type: its media type */
int page_answer_text(struct exchange *x, unsigned int status, const char *type, const char *text);
/* link: an absolute path or URL, made by portal/link.h */
int page_redirect(struct exchange *x, unsigned int status, const char *link);
/* 405 */
int page_not_allowed(struct exchange *x, const char *allow);
