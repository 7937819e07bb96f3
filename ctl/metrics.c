/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics: the gateway's figures, as Prometheus reads them. */
#include <stdio.h>

#include "common/cleanup.h"
#include "ctl/ctl.h"

/* The text is for a program: it is passed on byte by byte. */
static enum status run_metrics(struct ctl *ctl)
{
	CLEANUP(cleanup_json) json_t *answer = NULL;
	enum status status = ctl_ask(ctl, json_pack("{s:s}", "verb", "metrics"), &answer);

	if (status != STATUS_DONE)
		return status;
	const char *text = json_string_value(json_object_get(answer, "metrics"));

	if (!text)
		return ctl_nonsense("metrics");
	if (ctl->json)
		ctl_print_json(answer);
	else
		fputs(text, stdout);
	return STATUS_DONE;
}

const struct command command_metrics = {
	.name = "metrics",
	.usage = "",
	.summary = "the gateway's figures, as Prometheus reads them",
	.help = "Writes counters and gauges in Prometheus' text format 0.0.4: sessions, logins, traffic, the store.\n"
		"With --json the text is the member \"metrics\".\n\n"
		"examples:\n"
		"  portalctl metrics | promtool check metrics\n"
		"  portalctl metrics > /var/lib/prometheus/node-exporter/portald.prom\n",
	.run = run_metrics,
};
