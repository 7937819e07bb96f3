/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "portal/http_send.h"

/* libmicrohttpd writes Content-Length by itself, behind all other headers. */
enum MHD_Result http_send(struct MHD_Connection *mhd, struct response *r)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(r->body_len, r->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result = MHD_YES;

	if (!response)
		return MHD_NO;
	r->body = NULL;
	for (size_t i = 0; i < r->header_count && result == MHD_YES; i++) {
		if (strcmp(r->headers[i].name, MHD_HTTP_HEADER_CONTENT_LENGTH) != 0)
			result = MHD_add_response_header(response, r->headers[i].name,
							 r->headers[i].value);
	}
	if (result == MHD_YES)
		result = MHD_queue_response(mhd, r->status, response);
	MHD_destroy_response(response);
	return result;
}
