// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mhd511: a bare libmicrohttpd that answers every request with 511, the reference for what HTTP
 * over sockets costs at least with this library: one thread, epoll, no logic.
 *
 * usage: mhd511 PORT PAGE     until SIGTERM; PAGE: its text, which everybody gets
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

/* What portald's answer has as well. */
static const char *const headers[][2] = {
	{MHD_HTTP_HEADER_CONNECTION, "close"},
	{MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8"},
	{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
	{"Referrer-Policy", "no-referrer"},
	{"X-Content-Type-Options", "nosniff"},
};

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **state)
{
	(void)url, (void)method, (void)version, (void)data, (void)size;
	if (!*state) {
		*state = connection;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_NETWORK_AUTHENTICATION_REQUIRED, cls);
}

static struct MHD_Response *make_response(char *page)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(page), page, MHD_RESPMEM_PERSISTENT);

	for (size_t i = 0; response && i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	return response;
}

int main(int argc, char **argv)
{
	unsigned int port = argc == 3 ? (unsigned int)strtonum(argv[1], 1, 65535, NULL) : 0;
	struct MHD_Response *response;
	struct MHD_Daemon *daemon;
	sigset_t signals;
	int number;

	if (port == 0) {
		fputs("usage: mhd511 PORT PAGE\n", stderr);
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	response = make_response(argv[2]);
	daemon =
		MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_DUAL_STACK, (uint16_t)port,
				 NULL, NULL, answer, response, MHD_OPTION_CONNECTION_LIMIT, 16384u,
				 MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u, MHD_OPTION_END);
	if (!daemon) {
		perror("mhd511");
		return 3;
	}
	sigwait(&signals, &number);
	MHD_stop_daemon(daemon);
	MHD_destroy_response(response);
	return 0;
}
