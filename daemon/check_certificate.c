/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates that were read are looked at again whenever somebody asks how the host is: what runs
 * out is told before it has. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/duration.h"
#include "common/log.h"
#include "daemon/certificate.h"

enum {
	DAY = 86400, /* seconds */
	WARN_DAYS = 14,
	OCSP_WARN_MAX =
		DAY, /* seconds; a response that lives for a short time only: a quarter of it */
	OCSP_WARN_PART = 4,
	TELL_INTERVAL = 3600, /* seconds */
};

struct look {
	const struct config *config;
	const struct pair *pair;
	const struct zone_config *zone; /* whose the pair is; NULL: of all */
	FILE *out;
	int64_t now;
	size_t warnings;
};

static void warn(struct look *k, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void warn(struct look *k, const char *key, const char *fmt, ...)
{
	va_list args;

	fprintf(k->out, "%s:%u: ", k->config->path, config_line(k->config, k->zone, key));
	if (k->zone)
		fprintf(k->out, "zone \"%s\": ", k->zone->name);
	fprintf(k->out, "%s: ", key);
	va_start(args, fmt);
	vfprintf(k->out, fmt, args);
	va_end(args);
	fputc('\n', k->out);
	k->warnings++;
}

static void look_at_validity(struct look *k)
{
	const int64_t left = k->pair->end - k->now;

	if (k->pair->begin > k->now)
		warn(k, "certificate",
		     "it is not valid yet, browsers warn of the login page; look at the clock, or "
		     "wait for %" PRId64 " days",
		     (k->pair->begin - k->now + DAY - 1) / DAY);
	if (left < 0)
		warn(k, "certificate", "it has expired, browsers warn of the login page; renew it");
	else if (left < WARN_DAYS * DAY)
		warn(k, "certificate", "it expires in %" PRId64 " days; renew it", left / DAY);
	if (k->pair->open_chain)
		warn(k, "certificate",
		     "an intermediate certificate is missing, so many devices do not trust it; add "
		     "those that the CA gave behind it");
}

static void look_at_ocsp(struct look *k)
{
	const struct pair *p = k->pair;
	const int64_t left = p->ocsp_end - k->now;
	char text[DURATION_TEXT_MAX];

	if (!p->ocsp && p->must_staple)
		warn(k, "certificate",
		     "it demands a response of its CA (must-staple), without which browsers refuse "
		     "it; set certificate-ocsp");
	if (!p->ocsp)
		return;
	if (!p->ocsp_der)
		warn(k, "certificate-ocsp", "%s; it is not shown%s", p->ocsp_trouble,
		     p->must_staple ? ", and browsers refuse the certificate (must-staple)" : "");
	else if (left <= 0)
		warn(k, "certificate-ocsp", "it is too old and not shown any more; get a new one%s",
		     p->must_staple ? ", browsers refuse the certificate (must-staple)" : "");
	else if (left < MIN(OCSP_WARN_MAX, (p->ocsp_end - p->ocsp_begin) / OCSP_WARN_PART))
		warn(k, "certificate-ocsp", "it is too old in %s; get a new one",
		     duration_format((uint64_t)left, text));
}

static size_t look_at(const struct config *c, const struct pair *p, const struct zone_config *zone,
		      FILE *out)
{
	struct look k = {c, p, zone, out, time(NULL), 0};

	if (!p->chain_pem)
		return 0;
	look_at_validity(&k);
	look_at_ocsp(&k);
	return k.warnings;
}

size_t certificate_warn(const struct config *c, FILE *out)
{
	size_t warnings = look_at(c, &c->pair, NULL, out);

	for (size_t i = 0; i < c->zone_count; i++)
		warnings += look_at(c, &c->zones[i].pair, &c->zones[i], out);
	return warnings;
}

void certificate_tell(const struct config *c, uint64_t *last)
{
	CLEANUP(cleanup_free) char *text = NULL;
	const uint64_t now = (uint64_t)time(NULL);
	size_t len = 0;

	if (now >= *last && now - *last < TELL_INTERVAL)
		return;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	certificate_warn(c, out);
	fclose(out);
	*last = now;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		log_warning("%s", line);
}

static int require(const struct config *c, const struct pair *p, const struct zone_config *zone,
		   FILE *out)
{
	struct look k = {.config = c, .zone = zone, .out = out};

	if (!p->certificate || p->chain_pem)
		return 0;
	if (pair_is_credential(p->certificate) || pair_is_credential(p->key)) {
		warn(&k, "certificate",
		     "%s and %s cannot be looked at here, CREDENTIALS_DIRECTORY is not set; the unit that "
		     "starts portald needs LoadCredential= for them",
		     p->certificate, p->key);
		return 1;
	}
	warn(&k, "certificate", "%s and %s cannot both be read: %s", p->certificate, p->key,
	     strerror(EACCES));
	return -EACCES;
}

int certificate_require(const struct config *c, FILE *out)
{
	int r = require(c, &c->pair, NULL, out);

	for (size_t i = 0; i < c->zone_count; i++) {
		const int zone = require(c, &c->zones[i].pair, &c->zones[i], out);

		r = r < 0 || zone == 0 ? r : zone;
	}
	return r;
}
