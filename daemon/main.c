/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portald: reads the configuration, opens what needs privilege, starts portald-gate and
 * portald-web, drops to an unprivileged uid without any capability, and is from then on the engine,
 * which holds the sessions and decides.
 *
 * Only --teardown removes the kernel's tables: whatever else ends, strangers stay out and guests
 * stay online.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build-config.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/paths.h"
#include "daemon/certificate.h"
#include "daemon/check.h"
#include "daemon/egress.h"
#include "daemon/pages.h"
#include "daemon/queue_parts.h"
#include "daemon/start.h"

static const char help[] =
	"usage: portald [-c FILE]                 run the gateway in the foreground\n"
	"       portald [-c FILE] -n              check the configuration and the host, also beside a running gateway\n"
	"       portald [-c FILE] --close         load the closed ruleset and exit (before the network is up)\n"
	"       portald [-c FILE] --print-ruleset show the nft ruleset and exit\n"
	"       portald [-c FILE] --teardown      remove the tables: the network is open afterwards\n"
	"\n"
	"  -c, --config FILE   the configuration (" PORTALD_CONF ")\n"
	"  -n, --check         exit status 0: it can run; 1: it cannot, the reasons are on standard error\n"
	"  -h, --help          this text\n"
	"  -V, --version       " PORTALD_VERSION "\n"
	"\n"
	"SIGHUP reads the configuration again, SIGTERM ends portald.  When portald ends, guests stay online until their\n"
	"time is up, and strangers stay out.  See portald(8), portald.conf(5), portalctl(8).\n";

/* As getopt_long() returns the option. */
enum mode { MODE_RUN, MODE_CHECK = 'n', MODE_CLOSE = 'C', MODE_PRINT = 'P', MODE_TEARDOWN = 'T' };

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, const char **ret_path, enum mode *ret_mode)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, MODE_CHECK},
		{"close", no_argument, NULL, MODE_CLOSE},
		{"print-ruleset", no_argument, NULL, MODE_PRINT},
		{"teardown", no_argument, NULL, MODE_TEARDOWN},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:nhV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			*ret_path = optarg;
			break;
		case MODE_CHECK:
		case MODE_CLOSE:
		case MODE_PRINT:
		case MODE_TEARDOWN:
			if (*ret_mode != MODE_RUN && *ret_mode != (enum mode)c) {
				fputs("portald: -n, --close, --print-ruleset and --teardown exclude each "
				      "other; try portald --help\n",
				      stderr);
				return 2;
			}
			*ret_mode = (enum mode)c;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			puts("portald " PORTALD_VERSION);
			return 0;
		default:
			fputs("try portald --help\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "portald: unexpected argument \"%s\"; try portald --help\n",
			argv[optind]);
		return 2;
	}
	return -1;
}

static void destroy_config(struct config **config)
{
	config_destroy(*config);
}

/* As far as the configuration can be read; the tables may have to go because it cannot. */
static bool is_running(const char *config_path)
{
	CLEANUP(destroy_config) struct config *config = NULL;
	CLEANUP(cleanup_fclose) FILE *nowhere = fopen("/dev/null", "we");

	return nowhere && config_load(config_path, nowhere, &config) == 0 &&
	       start_is_running(config);
}

/* A portald that runs would put the tables back. */
static int teardown(const char *config_path)
{
	char path[PATH_MAX];

	if (is_running(config_path)) {
		log_error("portald is running; stop it first");
		return 1;
	}
	int r = find_program("portald-gate", path);

	if (r == 0) {
		execl(path, "portald-gate", "--teardown", (char *)NULL);
		r = -errno;
	}
	log_error("%s: %s", path, strerror(-r));
	return 1;
}

/* Beside a running portald, which has its listener, the port may be its own and the address gone for a
 * while: told, but no reason to refuse a reload.  A mere user may not have the ports below 1024. */
static int check_metrics(const struct config *config, bool beside_running)
{
	CLEANUP(cleanup_close) int fd = -1;

	int r = start_open_metrics(config, beside_running || geteuid() != 0, &fd);

	return beside_running ? 0 : r;
}

/* Everything that can be wrong before anything is started.  1: nothing, but it cannot be started from
 * here, for the certificate is a credential. */
static int check(const struct config *config, bool beside_running)
{
	struct accounts accounts;
	int r = check_interfaces(config, stderr);
	int ports = check_ports(config, stderr, beside_running);
	int found = start_find_accounts(config, &accounts);
	int folders = check_folders(config, found < 0 ? NULL : &accounts.engine, stderr);
	int metrics = check_metrics(config, beside_running);
	int pages = pages_check(config, stderr);
	int certificate = certificate_require(config, stderr);

	check_host(config, stderr);
	r = r < 0 ? r : ports < 0 ? ports : found;
	r = r < 0 ? r : folders < 0 ? folders : metrics;
	return r < 0 ? r : pages < 0 ? pages : certificate;
}

/* Many zones and workers mean many listening sockets, and a child's descriptors are first moved to
 * numbers from 1024 on, which the usual soft limit does not allow. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* A gate that only takes zones and a load; its exit status tells how it went. */
static int load_once(struct config *config, const char *gate_argument)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct gate_load load;
	static union msg msg;
	pid_t pid;
	int r = start_gate(gate_argument, NULL, &fd, &pid);

	engine_describe_load(config, &load);
	if (strcmp(gate_argument, "--print") != 0)
		load.queue_count = 0; /* nobody reads queues: port 80 is dropped */
	for (size_t i = 0; i < config->zone_count && r == 0; i++) {
		struct gate_zone zone;

		engine_describe_zone(config, i, &zone);
		r = msg_send(fd, &zone.head, -1);
	}
	if (r == 0)
		r = msg_send(fd, &load.head, -1);
	do
		r = r == 0 ? msg_recv(fd, &msg, NULL) : r;
	while (r == 0 && msg.head.type == MSG_GATE_ABILITY);
	if (r == 0 && msg.head.type == MSG_GATE_DONE && msg.gate_done.error == 0)
		return 0;
	log_error("cannot load the ruleset: %s", r < 0 ? strerror(-r) : msg.gate_done.text);
	return 1;
}

static int close_network(struct config *config)
{
	struct accounts accounts;

	return start_find_accounts(config, &accounts) < 0 ? 1
							  : load_once(config, accounts.gate_name);
}

/* A mistake in the file must not open the network at the next boot. */
static int close_salvaged(const char *path)
{
	CLEANUP(destroy_config) struct config *config = NULL;
	int r = config_salvage(path, stderr, &config);

	if (r < 0) {
		log_error(
			"%s tells no interface, so nothing can be closed: guest networks are open until it is mended",
			path);
	} else if (close_network(config) == 0) {
		for (size_t i = 0; i < config->zone_count; i++)
			log_error(
				"%s is wrong: interface %s, which it names, is closed until it is mended",
				path, config->zones[i].interface);
	}
	return 1;
}

static int run(struct config **config)
{
	static struct engine_parts parts = {.control_fd = -1, .metrics_fd = -1, .gate_fd = -1};
	CLEANUP(queue_parts_finish)
	struct queue_parts queues = {.gate_answers = -1, .web_answers = -1};
	struct accounts accounts;

	if (start_is_running(*config)) {
		log_error("a portald with run-dir %s is running already; portalctl status shows it",
			  (*config)->run_dir);
		return 1;
	}
	if (check(*config, false) != 0 || start_find_accounts(*config, &accounts) < 0)
		return 1;
	notify("STATUS=starting");
	if (start_files(*config, &accounts, &parts) < 0)
		return 1;
	int r = queue_parts_init(&queues, *config);

	if (r == 0)
		r = start_gate(accounts.gate_name, &queues, &parts.gate_fd, &parts.gate_pid);

	if (r == 0)
		r = start_workers(*config, &accounts, &queues, &parts);
	queue_parts_finish(&queues); /* they are the children's */
	if (r == 0)
		r = sandbox_become(&accounts.engine, -1);
	if (r < 0) {
		log_error("start: %s", strerror(-r));
		return 1;
	}
	parts.config = steal_ptr(config);
	return engine_run(&parts);
}

int main(int argc, char **argv)
{
	CLEANUP(destroy_config) struct config *config = NULL;
	const char *path = PORTALD_CONF;
	enum mode mode = MODE_RUN;
	int status = parse_options(argc, argv, &path, &mode);

	log_init("portald");
	if (status >= 0)
		return status;
	if (geteuid() != 0 && mode != MODE_CHECK && mode != MODE_PRINT) {
		log_error("portald must be started by root; it gives its privileges away");
		return 1;
	}
	if (mode == MODE_TEARDOWN)
		return teardown(path);
	raise_file_limit();
	if (config_load(path, stderr, &config) < 0)
		return mode == MODE_CLOSE ? close_salvaged(path) : 1;
	log_set_level(config->log_level);
	switch (mode) {
	case MODE_CHECK:
		egress_check(config, stderr);
		return check(config, start_is_running(config)) < 0 ? 1 : 0;
	case MODE_CLOSE:
		return close_network(config);
	case MODE_PRINT:
		return load_once(config, "--print");
	case MODE_RUN:
	case MODE_TEARDOWN:
		break;
	}
	return run(&config);
}
