/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portald-web: speaks HTTP to guests.  Started by portald as root with its descriptors open
 * (common/proto.h); before the first byte from a guest is read it is another user without
 * capabilities, opens no file any more and can make no system call but those in portal/seal.c.  Its power is
 * to answer on sockets it was given and to ask the engine about the guest that it speaks to.
 *
 * usage: portald-web USER [first]
 *        portald-web --check
 *
 * The first worker has a socket pair more: it reads DNS answers for walled gardens (portal/dns_queue.c).  With --check
 * it reads its configuration and ends; what it would refuse is written to the engine, as text.
 *
 * Exit status: 0 when the engine is gone, or nothing is wrong; 1 on any error.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <event2/event.h>
#include <sodium.h>

#include "common/cleanup.h"
#include "common/descriptors.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "portal/dns_queue.h"
#include "portal/engine.h"
#include "portal/http.h"
#include "portal/queue.h"
#include "portal/seal.h"
#include "portal/site.h"

struct web {
	struct event_base *base;
	struct engine engine;
	struct site *site;
	struct http *http;
	struct queue *queue; /* NULL: no zone has divert "queue" */
	int packet_fds;
	bool first;
	struct dns_queue *answers; /* NULL: another worker reads them */
};

/* Takes fd.  ret_error: why it cannot be used, if so. */
static int read_site(int fd, struct site **ret_site, char ret_error[static SITE_ERROR_MAX])
{
	CLEANUP(cleanup_close) int bundle_fd = fd;
	struct bundle *bundle;
	int r = bundle_open(bundle_fd, &bundle);

	*ret_error = '\0';
	if (r >= 0)
		r = site_load(bundle, ret_site, ret_error);
	if (r < 0 && !*ret_error)
		snprintf(ret_error, SITE_ERROR_MAX, "%s", strerror(-r));
	return r;
}

/* Takes fd.  A bundle that cannot be used changes nothing, unless it shows that we and the engine
 * disagree. */
static int load_site(int fd, struct site **ret_site)
{
	char error[SITE_ERROR_MAX];
	int r = read_site(fd, ret_site, error);

	if (r < 0)
		log_error("the configuration from portald is refused: %s", error);
	else
		log_set_level((*ret_site)->log_level);
	return r;
}

static int reload(void *ctx, int fd)
{
	struct web *web = ctx;
	struct site *site;

	if (load_site(fd, &site) < 0) {
		log_error("reload refused, the old pages stay");
		return 0;
	}
	if (site->zone_count != web->site->zone_count) {
		log_error("reload with %zu zones in place of %zu", site->zone_count,
			  web->site->zone_count);
		site_unref(site);
		return -EBADMSG;
	}
	if (http_set_site(web->http, site) < 0) {
		log_error("reload refused, the old pages stay");
		site_unref(site);
		return 0;
	}
	if (web->queue)
		queue_set_site(web->queue, site);
	if (web->answers)
		dns_queue_set_site(web->answers, site);
	site_unref(web->site);
	web->site = site;
	log_info("new configuration and pages");
	return 0;
}

/* What would open a file later is done now. */
static void warm_up(void)
{
	struct rlimit files;

	tzset();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* a reload is the engine's business */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* glibc (2.36) gives free memory back beyond 128 kB, four connections, and to have it again costs a page fault for each
 * 4 kB: a tenth of an answer's cost. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD
	mallopt(M_TRIM_THRESHOLD, HTTP_MEMORY_KEPT);
#endif
}

static void on_queue_failed(void *ctx, int error)
{
	struct web *web = ctx;

	web->engine.error = error == -EPIPE ? 0 : error;
	event_base_loopbreak(web->base);
}

/* The socket pair to the gate and the packet sockets stand behind the listening ones. */
static int first_packet_fd(const struct web *web)
{
	return FD_LISTEN + LISTENERS * (int)web->site->zone_count + 1;
}

static int set_up_queue(struct web *web)
{
	for (size_t i = 0; i < web->site->zone_count; i++)
		web->packet_fds += web->site->zones[i].queued;
	if (web->packet_fds == 0)
		return 0;
	return queue_create(web->base, first_packet_fd(web) - 1, web->site, on_queue_failed, web,
			    &web->queue);
}

/* Behind all others. */
static int set_up_answers(struct web *web)
{
	const int fd = first_packet_fd(web) + (web->packet_fds ? web->packet_fds : -1);

	if (!web->first)
		return 0;
	return dns_queue_create(web->base, fd, web->site, on_queue_failed, web, &web->answers);
}

static int set_up(struct web *web)
{
	int fds[LISTENERS * ZONES_MAX];
	int r = load_site(FD_BUNDLE, &web->site);

	if (r < 0)
		return r;
	for (int i = 0; i < (int)web->site->zone_count * LISTENERS; i++)
		fds[i] = FD_LISTEN + i;
	web->base = event_base_new();
	if (!web->base)
		return -ENOMEM;
	r = engine_init(&web->engine, FD_ENGINE, web->base, reload, web);
	if (r == 0)
		r = http_create(web->base, &web->engine, web->site, fds, &web->http);
	if (r == 0)
		r = set_up_queue(web);
	if (r == 0)
		r = set_up_answers(web);
	if (r < 0)
		log_error("cannot set up: %s", strerror(-r));
	return r;
}

static int give_up_power(const struct web *web, const struct account *account)
{
	int r = sandbox_become(account, -1);

	if (r == 0)
		r = seal_worker(first_packet_fd(web), web->packet_fds);
	if (r < 0)
		log_error("cannot give up privileges: %s", strerror(-r));
	return r;
}

static int run(struct web *web)
{
	if (event_base_dispatch(web->base) < 0) {
		log_error("the event loop failed");
		return 1;
	}
	if (web->engine.error < 0)
		log_error("portald sent what cannot be: %s", strerror(-web->engine.error));
	return web->engine.error < 0 ? 1 : 0;
}

static void finish(struct web *web)
{
	dns_queue_destroy(web->answers);
	queue_destroy(web->queue);
	http_destroy(web->http);
	engine_finish(&web->engine);
	if (web->base)
		event_base_free(web->base);
	site_unref(web->site);
}

static int check(void)
{
	char error[SITE_ERROR_MAX];
	struct site *site;

	if (read_site(FD_BUNDLE, &site, error) < 0) {
		dprintf(FD_ENGINE, "%s", error);
		return 1;
	}
	site_unref(site);
	return 0;
}

int main(int argc, char **argv)
{
	static struct web web;
	struct account account;
	int status = 1;

	log_init("portald-web");
	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		return check();
	web.first = argc == 3 && strcmp(argv[2], "first") == 0;
	if (argc != 2 + web.first) {
		log_error("this program is started by portald");
		return 1;
	}
	if (sandbox_find_account(argv[1], &account) < 0) {
		log_error("there is no user \"%s\"", argv[1]);
		return 1;
	}
	if (sodium_init() < 0) {
		log_error("libsodium does not work here");
		return 1;
	}
	warm_up();
	keep_memory();
	if (set_up(&web) == 0 && give_up_power(&web, &account) == 0)
		status = run(&web);
	finish(&web);
	return status;
}
