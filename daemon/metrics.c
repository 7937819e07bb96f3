/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A metric is one line of the table at the end, and a function that writes its samples.  Nothing here
 * asks anybody else or walks over sessions: a text costs the same with 100,000 of them.
 *
 * Label values are names of zones and hosts (letters, digits, '-', '.') and constants, so none needs an escape.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build-config.h"
#include "common/cleanup.h"
#include "daemon/engine.h"
#include "daemon/metrics.h"
#include "daemon/persist.h"
#include "daemon/queue_drops.h"
#include "daemon/store.h"

/* What one text is made of. */
struct scrape {
	FILE *out;
	const struct engine *e;
	struct store_stats store;
	const char *name; /* of the metric */
};

static const char *const event_names[METRICS_EVENTS] = {
	"login", "logout", "grant", "change", "extend", "revoke",
	"block", "expiry", "quota", "idle",   "trust",
};

void metrics_event(struct metrics *m, uint32_t zone, const char *event)
{
	for (size_t i = 0; i < METRICS_EVENTS; i++)
		m->events[zone][i] += strcmp(event_names[i], event) == 0;
}

int metrics_web(struct metrics *m, size_t zones, const struct web_counts *counts)
{
	if (counts->zone >= zones)
		return -EBADMSG;
	for (size_t i = 0; i < WEB_COUNTS; i++)
		m->web[counts->zone][i] += counts->counts[i];
	return 0;
}

static void number(const struct scrape *x, uint64_t value)
{
	fprintf(x->out, "%s %" PRIu64 "\n", x->name, value);
}

/* label may be NULL */
static void zone_number(const struct scrape *x, uint32_t zone, const char *label,
			const char *label_value, uint64_t value)
{
	fprintf(x->out, "%s{zone=\"%s\"", x->name, x->e->config->zones[zone].name);
	if (label)
		fprintf(x->out, ",%s=\"%s\"", label, label_value);
	fprintf(x->out, "} %" PRIu64 "\n", value);
}

static void seconds(const struct scrape *x, const struct histogram *h)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		sum += h->buckets[i];
		fprintf(x->out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", x->name,
			(double)histogram_bounds_us[i] / 1e6, sum);
	}
	fprintf(x->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", x->name, h->count);
	fprintf(x->out, "%s_sum %.6f\n", x->name, (double)h->sum_us / 1e6);
	fprintf(x->out, "%s_count %" PRIu64 "\n", x->name, h->count);
}

static void build_info(const struct scrape *x)
{
	fprintf(x->out, "%s{version=\"%s\"} 1\n", x->name, PORTALD_VERSION);
}

static void start_time(const struct scrape *x)
{
	number(x, x->e->metrics.started_unix);
}

static void zone_ready(const struct scrape *x)
{
	for (uint32_t i = 0; i < x->e->config->zone_count; i++)
		zone_number(x, i, NULL, NULL, x->e->links[i] == LINK_READY);
}

static void sessions(const struct scrape *x)
{
	for (uint32_t i = 0; i < x->e->config->zone_count; i++)
		zone_number(x, i, NULL, NULL, x->e->sessions.zones[i].count);
}

static void events(const struct scrape *x)
{
	for (uint32_t i = 0; i < x->e->config->zone_count; i++) {
		for (size_t k = 0; k < METRICS_EVENTS; k++)
			zone_number(x, i, "event", event_names[k], x->e->metrics.events[i][k]);
	}
}

static void logins(const struct scrape *x)
{
	static const char *const names[METRICS_STATES] = {
		[GUEST_STRANGER] = "ended",	 [GUEST_ONLINE] = "online",
		[GUEST_NO_DEVICE] = "no-device", [GUEST_UNVERIFIED] = "unverified",
		[GUEST_REFUSED] = "refused",	 [GUEST_FAILED] = "failed",
	};

	for (uint32_t i = 0; i < x->e->config->zone_count; i++) {
		for (size_t k = GUEST_STRANGER; k < METRICS_STATES; k++)
			zone_number(x, i, "outcome", names[k], x->e->metrics.logins[i][k]);
	}
}

static void bytes(const struct scrape *x)
{
	for (uint32_t i = 0; i < x->e->config->zone_count; i++) {
		zone_number(x, i, "direction", "up", x->e->sessions.zones[i].bytes_up);
		zone_number(x, i, "direction", "down", x->e->sessions.zones[i].bytes_down);
	}
}

static void packets(const struct scrape *x)
{
	for (uint32_t i = 0; i < x->e->config->zone_count; i++) {
		zone_number(x, i, "direction", "up", x->e->sessions.zones[i].packets_up);
		zone_number(x, i, "direction", "down", x->e->sessions.zones[i].packets_down);
	}
}

static const char *const web_names[WEB_COUNTS] = {
	[WEB_COUNT_2XX] = "2xx",
	[WEB_COUNT_3XX] = "3xx",
	[WEB_COUNT_4XX] = "4xx",
	[WEB_COUNT_511] = "511",
	[WEB_COUNT_5XX] = "5xx",
	[WEB_COUNT_PACKET_OPENED] = "opened",
	[WEB_COUNT_PACKET_ANSWERED] = "answered",
	[WEB_COUNT_PACKET_CLOSED] = "closed",
	[WEB_COUNT_PACKET_QUIET] = "quiet",
	[WEB_COUNT_PACKET_STRANGE] = "strange",
	[WEB_COUNT_PACKET_REFUSED] = "refused",
};

static void web_numbers(const struct scrape *x, const char *label, int first, int last)
{
	for (uint32_t i = 0; i < x->e->config->zone_count; i++) {
		for (int k = first; k <= last; k++)
			zone_number(x, i, label, web_names[k], x->e->metrics.web[i][k]);
	}
}

static void diverted(const struct scrape *x)
{
	web_numbers(x, "code", WEB_COUNT_2XX, WEB_COUNT_5XX);
}

static void queue_packets(const struct scrape *x)
{
	web_numbers(x, "outcome", WEB_COUNT_PACKET_OPENED, WEB_COUNT_PACKET_REFUSED);
}

static void web_sum(const struct scrape *x, enum web_count what)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < x->e->config->zone_count; i++)
		sum += x->e->metrics.web[i][what];
	number(x, sum);
}

/* A worker knows only of those that had got a number. */
static void queue_missed(const struct scrape *x)
{
	uint64_t packets;

	if (queue_drops_read(x->e->queue_drops, x->e->config->queue_first, x->e->config->workers,
			     &packets) == 0)
		number(x, packets);
	else
		web_sum(x, WEB_COUNT_MISSED);
}

static void queue_unsent(const struct scrape *x)
{
	web_sum(x, WEB_COUNT_UNSENT);
}

static void netlink_errors(const struct scrape *x)
{
	number(x, x->e->gate.errors);
}

static void flushes(const struct scrape *x)
{
	number(x, x->e->flush_round);
}

static void accounting(const struct scrape *x)
{
	seconds(x, &x->e->metrics.accounting);
}

static void loop_lag(const struct scrape *x)
{
	seconds(x, &x->e->metrics.lag.seconds);
}

/* No sample without a certificate */
static void certificate_end(const struct scrape *x)
{
	const struct config *c = x->e->config;

	for (uint32_t i = 0; i < c->zone_count; i++) {
		const struct pair *p = config_pair(c, &c->zones[i]);

		if (p && p->chain_pem)
			zone_number(x, i, "name", config_hostname(c, &c->zones[i]),
				    (uint64_t)p->end);
	}
}

/* No sample without a response that can be shown */
static void ocsp_end(const struct scrape *x)
{
	const struct config *c = x->e->config;

	for (uint32_t i = 0; i < c->zone_count; i++) {
		const struct pair *p = config_pair(c, &c->zones[i]);

		if (p && p->ocsp_der)
			zone_number(x, i, "name", config_hostname(c, &c->zones[i]),
				    (uint64_t)p->ocsp_end);
	}
}

static void restarts(const struct scrape *x)
{
	for (enum run_end i = 0; i < RUN_ENDS; i++)
		fprintf(x->out, "%s{after=\"%s\"} %" PRIu64 "\n", x->name, run_end_name(i),
			x->e->runs.ended[i]);
}

static void store_commits(const struct scrape *x)
{
	seconds(x, &x->store.commit_time);
}

static void store_healthy(const struct scrape *x)
{
	number(x, persist_trouble(x->e) == NULL);
}

static void store_pending(const struct scrape *x)
{
	number(x, x->store.pending);
}

static void store_lost(const struct scrape *x)
{
	number(x, x->store.lost);
}

static void store_skipped(const struct scrape *x)
{
	number(x, x->store.skipped);
}

static void store_moved_aside(const struct scrape *x)
{
	number(x, x->store.moved_aside);
}

/* clang-format off */
static const struct {
	const char *name;
	const char *type;
	const char *help;
	void (*write)(const struct scrape *x);
} table[] = {
	{"portald_build_info", "gauge", "Always 1; the version of portald.", build_info},
	{"process_start_time_seconds", "gauge", "When portald was started, since 1970.", start_time},
	{"portald_restarts_total", "counter", "Starts of portald by what ended the run before: a stop, a reboot, or the process that died first.", restarts},
	{"portald_zone_ready", "gauge", "Whether the zone's interface is there and served.", zone_ready},
	{"portald_sessions", "gauge", "Sessions that are online.", sessions},
	{"portald_session_events_total", "counter", "What became of sessions: grants and logins, changes, ends by cause.", events},
	{"portald_logins_total", "counter", "Answers to guests who asked to log in.", logins},
	{"portald_session_bytes_total", "counter", "IP bytes from (up) and to (down) guests with a session, as of the last accounting.", bytes},
	{"portald_session_packets_total", "counter", "Packets from (up) and to (down) guests with a session, as of the last accounting.", packets},
	{"portald_diverted_requests_total", "counter", "Requests of strangers that a socket answered (divert redirect), by status.", diverted},
	{"portald_queue_packets_total", "counter", "Packets of strangers from an NFQUEUE (divert queue), by what became of them.", queue_packets},
	{"portald_queue_dropped_packets_total", "counter", "Packets of strangers that found a worker's NFQUEUE full, or the worker too slow.", queue_missed},
	{"portald_queue_unsent_frames_total", "counter", "Answers to queued packets that could not be sent.", queue_unsent},
	{"portald_netlink_errors_total", "counter", "Changes and readings of the kernel's tables that failed.", netlink_errors},
	{"portald_ruleset_flushes_total", "counter", "How often somebody else removed the ruleset.", flushes},
	{"portald_certificate_expiry_timestamp_seconds", "gauge", "When the portal's certificate of a zone expires, since 1970.", certificate_end},
	{"portald_ocsp_expiry_timestamp_seconds", "gauge", "Until when its CA's response is shown with it, since 1970.", ocsp_end},
	{"portald_event_loop_lag_seconds", "histogram", "How late a timer of portald is that fires ten times a second.", loop_lag},
	{"portald_accounting_read_seconds", "histogram", "Time to read one portion of the kernel's counters and act on it.", accounting},
	{"portald_store_commit_seconds", "histogram", "Time to write one transaction to the disk.", store_commits},
	{"portald_store_healthy", "gauge", "0: the disk does not take what is in memory.", store_healthy},
	{"portald_store_pending_rows", "gauge", "Rows in memory that are not on the disk yet.", store_pending},
	{"portald_store_lost_entries_total", "counter", "Entries of history and audit log that there was no room for in memory.", store_lost},
	{"portald_store_unreadable_rows_total", "counter", "Rows of the database that could not be read at the start.", store_skipped},
	{"portald_store_moved_aside_total", "counter", "Damaged databases that were moved aside.", store_moved_aside},
};
/* clang-format on */

char *metrics_text(const struct engine *e)
{
	struct scrape x = {.e = e};
	char *text = NULL;
	size_t len;

	x.out = open_memstream(&text, &len);
	if (!x.out)
		return NULL;
	store_get_stats(persist_store(e), &x.store);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		x.name = table[i].name;
		fprintf(x.out, "# HELP %s %s\n# TYPE %s %s\n", x.name, table[i].help, x.name,
			table[i].type);
		table[i].write(&x);
	}
	bool failed = ferror(x.out);

	if (fclose(x.out) == 0 && !failed)
		return text;
	free(text);
	return NULL;
}
