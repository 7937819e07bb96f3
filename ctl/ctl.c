/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portalctl: asks a running portald, over its control socket, and shows the answer.  It has the
 * power of whoever calls it and needs none: the gateway decides who may talk to it.  This file: the
 * command line, and the way to the gateway.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "build-config.h"
#include "common/cleanup.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/options.h"
#include "ctl/output.h"

static const char default_socket[] = "/run/portald/control.sock";

static const struct command *const commands[] = {
	&command_status,  &command_list,    &command_show,    &command_grant,	&command_set,
	&command_revoke,  &command_block,   &command_unblock, &command_trust,	&command_untrust,
	&command_history, &command_metrics, &command_watch,   &command_dnsmasq, &command_kea,
	&command_radvd,	  &command_odhcpd,
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

void complain(const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL, *clean = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	clean = output_clean(text ? text : "out of memory", 0);
	fprintf(stderr, "portalctl: %s\n", clean);
}

enum status complain_usage(const struct command *command, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	complain("%s; see portalctl %s%s--help", text ? text : "out of memory",
		 command ? command->name : "", command ? " " : "");
	return STATUS_USAGE;
}

static enum status complain_gateway(const struct ctl *ctl, int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		complain(
			"nobody answers at %s; is the gateway running? Try: systemctl status portald",
			ctl->socket);
		break;
	case EACCES:
	case EPERM:
		complain("no permission for %s; be root, or a member of the group portald",
			 ctl->socket);
		break;
	case ETIMEDOUT:
		complain("the gateway did not answer in time; see its log: journalctl -u portald");
		break;
	case EPIPE:
		complain(
			"the gateway closed the connection; are you root or a member of the group portald? "
			"Its log says more: journalctl -u portald");
		break;
	case EBADMSG:
		return ctl_nonsense("no line of JSON");
	default:
		complain("%s: %s", ctl->socket, strerror(-error));
	}
	return STATUS_UNREACHABLE;
}

enum status ctl_nonsense(const char *what)
{
	complain(
		"the gateway's answer makes no sense (%s); are portald and portalctl of the same version?",
		what);
	return STATUS_UNREACHABLE;
}

/* People are told of a gateway that is not ready yet; its answer is what comes then. */
static int receive(struct ctl *ctl, json_t **ret_answer)
{
	for (;;) {
		CLEANUP(cleanup_json) json_t *answer = NULL;
		int r = client_receive(ctl->client, &answer);
		const char *starting =
			r < 0 ? NULL : json_string_value(json_object_get(answer, "starting"));

		if (starting)
			complain("%s", starting);
		else if (r == 0)
			*ret_answer = steal_ptr(&answer);
		if (!starting)
			return r;
	}
}

enum status ctl_next(struct ctl *ctl, json_t **ret_answer)
{
	CLEANUP(cleanup_json) json_t *answer = NULL;
	int r = receive(ctl, &answer);

	if (r < 0)
		return complain_gateway(ctl, r);

	const json_t *error = json_object_get(answer, "error");

	if (error) {
		complain("%s", json_is_string(error) ? json_string_value(error)
						     : "refused without a reason");
		return STATUS_REFUSED;
	}
	*ret_answer = steal_ptr(&answer);
	return STATUS_DONE;
}

enum status ctl_ask(struct ctl *ctl, json_t *request, json_t **ret_answer)
{
	CLEANUP(cleanup_json) json_t *owned = request;
	int r = 0;

	if (!ctl->client)
		r = client_create(ctl->socket, ctl->timeout, &ctl->client);
	if (r == 0)
		r = owned ? client_send(ctl->client, owned) : -ENOMEM;
	return r < 0 ? complain_gateway(ctl, r) : ctl_next(ctl, ret_answer);
}

enum status ctl_collect(struct ctl *ctl, json_t *answer, const char *key, json_t *array)
{
	CLEANUP(cleanup_json) json_t *part = answer;
	json_t *rows;
	int more;

	for (;;) {
		if (json_unpack(part, "{s:o, s:b}", key, &rows, "more", &more) < 0 ||
		    !json_is_array(rows) || json_array_extend(array, rows) < 0)
			return ctl_nonsense("a list");
		if (!more)
			return STATUS_DONE;
		json_decref(steal_ptr(&part));

		enum status status = ctl_next(ctl, &part);

		if (status != STATUS_DONE)
			return status;
	}
}

void ctl_print_json(const json_t *json)
{
	/* ASCII: nothing in it can move a terminal's cursor */
	json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
}

static void print_help(void)
{
	puts("usage: portalctl [OPTIONS] COMMAND [ARGUMENTS]\n\n"
	     "Looks into a running portald gateway, and grants and revokes guests' access.\n\n"
	     "commands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	printf("\noptions of every command:\n"
	       "  --socket PATH   the gateway's control socket (%s)\n"
	       "  --timeout TIME  how long to wait for an answer (%ds)\n"
	       "  --json          one JSON document instead of text; for watch, one a line\n"
	       "  -h, --help      this text; `portalctl COMMAND --help` tells more, with examples\n"
	       "  -V, --version\n\n"
	       "exit status: 0 done, 1 refused, 2 usage, 3 gateway not reachable\n",
	       default_socket, ANSWER_SECONDS);
}

static void print_command_help(const struct command *command)
{
	printf("usage: portalctl %s%s%s\n\n%s", command->name, *command->usage ? " " : "",
	       command->usage, command->help);
}

static enum status run_command(struct ctl *ctl, const struct command *command)
{
	const unsigned int strange = ctl->given & ~(command->options | OPTION_COMMON);

	if (ctl->help) {
		print_command_help(command);
		return STATUS_DONE;
	}
	if (strange)
		return complain_usage(command, "%s does not take --%s", command->name,
				      option_name(ctl, strange));
	if (ctl->arg_count < command->args_min)
		return complain_usage(command, "%s wants more: %s", command->name, command->usage);
	if (command->args_max >= 0 && ctl->arg_count > command->args_max)
		return complain_usage(command, "%s: \"%s\" is too much", command->name,
				      ctl->args[command->args_max]);
	enum status status = command->run(ctl);

	client_destroy(ctl->client);
	return status;
}

static enum status run(struct ctl *ctl, int argc, char **argv)
{
	if (options_parse(ctl, argc, argv) < 0)
		return complain_usage(NULL, "nothing was done");
	if (ctl->version) {
		puts("portalctl " PORTALD_VERSION);
		return STATUS_DONE;
	}
	if (optind == argc && ctl->help) {
		print_help();
		return STATUS_DONE;
	}
	if (optind == argc)
		return complain_usage(NULL, "a command is missing");
	ctl->args = argv + optind + 1;
	ctl->arg_count = argc - optind - 1;
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i]->name, argv[optind]) == 0)
			return run_command(ctl, commands[i]);
	}
	return complain_usage(NULL, "there is no command \"%s\"", argv[optind]);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.socket = default_socket, .timeout = ANSWER_SECONDS};

	/* `portalctl list | head` ends quietly, whatever the caller ignores */
	signal(SIGPIPE, SIG_DFL);
	output_init();
	enum status status = run(&ctl, argc, argv);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("the output cannot be written: %s", strerror(errno));
		return STATUS_REFUSED;
	}
	return (int)status;
}
