/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A response of ours as one of libmicrohttpd's. */
#pragma once

#include <microhttpd.h>

#include "portal/response.h"

/* Takes the body over, unless there is no memory.  MHD_NO: the connection is to be closed. */
enum MHD_Result http_send(struct MHD_Connection *mhd, struct response *r);
