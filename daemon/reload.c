/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGHUP: the configuration is read again, whole; if it is good, ruleset, web workers and engine
 * change over, and nobody is cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/notify.h"
#include "daemon/certificate.h"
#include "daemon/engine.h"
#include "daemon/pages.h"

/* One log line for each line of text. */
static void log_lines(enum log_level level, char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		log_write(level, "%s", line);
}

static void reloaded(void *data, const union msg *reply)
{
	const struct engine *e = data;

	if (reply->gate_done.error < 0)
		log_error(
			"reload: the ruleset cannot be loaded, the rules before stay: %s; mend that and send SIGHUP again",
			reply->gate_done.text);
	else
		log_info("reload: %s is in force", e->config->path);
	notify("READY=1");
}

/* All that can fail comes before anything changes. */
static int prepare(struct engine *e, FILE *messages, struct config **ret_config, int *ret_bundle)
{
	struct config *fresh = NULL;
	int r = config_load(e->config->path, messages, &fresh);

	if (r < 0)
		return r;
	config_keep_fixed(e->config, fresh, messages);
	certificate_warn(fresh, messages);
	r = pages_bundle(fresh, e->secret, messages, ret_bundle);
	if (r == 0)
		r = pages_look_inside(fresh, *ret_bundle, messages);
	if (r < 0) {
		config_destroy(fresh);
		return r;
	}
	*ret_config = fresh;
	return 0;
}

void engine_reload(struct engine *e)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_close) int bundle = -1;
	struct config *fresh = NULL;
	size_t len = 0;

	if (!e->ready)
		return;
	FILE *messages = open_memstream(&text, &len);

	if (!messages)
		return;
	notify("RELOADING=1");
	int r = prepare(e, messages, &fresh, &bundle);

	fclose(messages);
	log_lines(r < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, text);
	if (r < 0) {
		log_error("reload: nothing was changed; mend %s and send SIGHUP again",
			  e->config->path);
		notify("READY=1");
		return;
	}
	config_destroy(e->config);
	e->config = fresh;
	log_set_level(fresh->log_level);
	for (size_t i = 0; i < e->worker_count; i++)
		channel_send_fd(&e->workers[i].channel,
				&(struct web_bundle){{MSG_WEB_BUNDLE, 0}}.head, bundle);
	engine_load_ruleset(e, reloaded);
}
