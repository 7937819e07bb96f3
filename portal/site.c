/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bundle's names are a contract with the engine; what it left out and what is optional is
 * decided here only. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/garden_name.h"
#include "common/proto.h"
#include "portal/colour.h"
#include "portal/responder.h"
#include "portal/site.h"
#include "portal/token.h"

static const char *const page_files[PAGES] = {
	[PAGE_LANDING] = "landing.html", [PAGE_LOGIN] = "login.html",
	[PAGE_SUCCESS] = "success.html", [PAGE_STATUS] = "status.html",
	[PAGE_LOGOUT] = "logout.html",	 [PAGE_ERROR] = "error.html",
	[PAGE_STYLE] = "style.css",
};

/* What style.css puts behind links: the cards. */
static const struct colour card_light = {0xff, 0xff, 0xff}, card_dark = {0x1d, 0x20, 0x26};

/* The zone that is being read; also the context of find_page(). */
struct loader {
	const struct bundle *bundle;
	size_t zone;
	char place[ZONE_NAME_MAX + 16]; /* how a complaint begins */
	char *error;
};

static int fail(const struct loader *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(const struct loader *l, const char *fmt, ...)
{
	const int n = snprintf(l->error, SITE_ERROR_MAX, "%s", l->place);
	va_list args;

	va_start(args, fmt);
	vsnprintf(l->error + n, SITE_ERROR_MAX - (size_t)n, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* NULL if absent */
static const char *zone_get(const struct loader *l, const char *key, size_t *ret_len)
{
	char name[BUNDLE_NAME_MAX + 1];

	if (snprintf(name, sizeof(name), "zone/%zu/%s", l->zone, key) >= (int)sizeof(name))
		return NULL;
	return bundle_get(l->bundle, name, ret_len);
}

static const char *zone_text(const struct loader *l, const char *key, const char *fallback)
{
	const char *text = zone_get(l, key, NULL);

	return text && *text ? text : fallback;
}

static const char *find_page(void *ctx, const char *file, size_t *ret_len)
{
	char key[BUNDLE_NAME_MAX];

	if (snprintf(key, sizeof(key), "page/%s", file) >= (int)sizeof(key))
		return NULL;
	return zone_get(ctx, key, ret_len);
}

static int load_page(struct loader *l, const char *file, const char *const *names,
		     size_t name_count, struct template **ret_template)
{
	const struct template_source source = {names, name_count, find_page, l};
	char error[TEMPLATE_ERROR_MAX];
	int r = template_parse(&source, file, ret_template, error);

	if (r == -EINVAL)
		return fail(l, "page %s", error);
	return r;
}

/* Languages that are written from right to left, by their first subtag, and scripts by theirs (ISO
 * 15924). */
static const char *direction(const char *lang)
{
	static const char *const rtl[] = {"ar", "arc",	   "ckb",     "dv",	"fa", "he",
					  "ks", "ku-arab", "pa-arab", "ps",	"sd", "syr",
					  "ug", "ur",	   "yi",      "az-arab"};

	for (size_t i = 0; i < sizeof(rtl) / sizeof(rtl[0]); i++) {
		size_t n = strlen(rtl[i]);

		if (strncasecmp(lang, rtl[i], n) == 0 && (lang[n] == '\0' || lang[n] == '-'))
			return "rtl";
	}
	return "ltr";
}

/* One of the two pairs of colours: the accent, its ink, links. */
static int load_colours(const struct loader *l, const char *key, const char *fallback,
			struct colour card, char ret_texts[3][COLOUR_TEXT_MAX])
{
	const char *text = zone_text(l, key, fallback);
	struct colour accent;

	if (colour_parse(text, &accent) < 0)
		return fail(l, "%s is no colour", key);
	colour_format(accent, ret_texts[0]);
	colour_format(colour_ink(accent), ret_texts[1]);
	colour_format(colour_readable(accent, card), ret_texts[2]);
	return 0;
}

static int load_style(struct loader *l, struct zone_site *zone)
{
	char light[3][COLOUR_TEXT_MAX], dark[3][COLOUR_TEXT_MAX];
	int r = load_colours(l, "accent", "#1f5fbf", card_light, light);

	if (r == 0)
		r = load_colours(l, "accent-dark", "#8ab4f8", card_dark, dark);
	if (r < 0)
		return r;

	const struct template_value values[VALUES] = {
		[VALUE_ACCENT] = {.text = light[0]},  [VALUE_INK] = {.text = light[1]},
		[VALUE_LINK] = {.text = light[2]},    [VALUE_ACCENT_DARK] = {.text = dark[0]},
		[VALUE_INK_DARK] = {.text = dark[1]}, [VALUE_LINK_DARK] = {.text = dark[2]},
	};

	return template_render(zone->pages[PAGE_STYLE], values, &zone->style, &zone->style_len);
}

/* Paragraphs are parted by lines that are empty. */
static int load_terms(const struct loader *l, struct zone_site *zone)
{
	const char *text = zone_text(l, "terms", zone_text(l, "page/terms.txt", NULL));

	if (!text)
		return fail(l, "there are no terms");
	zone->terms_text = strdup(text);
	zone->terms = calloc(SITE_PARAGRAPHS_MAX, sizeof(*zone->terms));
	if (!zone->terms_text || !zone->terms)
		return -ENOMEM;
	bool inside = false;

	for (char *line = zone->terms_text; line;) {
		char *end = strchr(line, '\n');
		bool blank = line[strspn(line, " \t\r\n")] == '\0' ||
			     (end && line + strspn(line, " \t\r") == end);

		if (blank)
			line[line > zone->terms_text ? -1 : 0] = '\0';
		else if (!inside && zone->terms_count == SITE_PARAGRAPHS_MAX)
			return fail(l, "the terms have more than %d paragraphs",
				    SITE_PARAGRAPHS_MAX);
		else if (!inside)
			zone->terms[zone->terms_count++] = line;
		inside = !blank;
		line = end ? end + 1 : NULL;
	}
	return 0;
}

static int load_logo(const struct loader *l, struct zone_site *zone)
{
	static const char *const types[] = {"image/avif", "image/gif",	   "image/jpeg",
					    "image/png",  "image/svg+xml", "image/webp"};
	const char *type = zone_get(l, "logo-type", NULL);

	zone->logo = zone_get(l, "logo", &zone->logo_len);
	if (!zone->logo)
		return 0;
	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i]) == 0)
			zone->logo_type = types[i];
	}
	return zone->logo_type ? 0 : fail(l, "logo-type is no image type that browsers know");
}

static int load_probes(const struct loader *l, struct zone_site *zone)
{
	zone->stranger.strict = strcmp(zone_text(l, "probes", "compatible"), "strict") == 0;
	zone->stranger.probes = zone->probes;
	zone->probes_text = strdup(zone_text(l, "redirect-probes", ""));
	if (!zone->probes_text)
		return -ENOMEM;
	zone->stranger.probe_count = probe_split(zone->probes_text, zone->probes);
	if (zone->stranger.probe_count > PROBES_MAX)
		return fail(l, "there are more than %d redirect-probes", PROBES_MAX);
	for (size_t i = 0; i < zone->stranger.probe_count; i++) {
		if (!probe_is_pattern(zone->probes[i]))
			return fail(l, "redirect-probes has one that is no HOST/PATH");
	}
	return 0;
}

static int load_garden(const struct loader *l, struct zone_site *zone)
{
	char bad[GARDEN_TEXT_MAX];

	if (garden_parse(zone_text(l, "walled-garden", "none"), &zone->garden, bad) < 0)
		return fail(l, "its walled garden cannot be \"%s\"", bad);
	garden_add_hosts(&zone->garden, zone_text(l, "certificate-hosts", NULL));
	return 0;
}

/* The largest answer made of divert.html, so that no request can make it fail later. */
static int try_divert(const struct loader *l, const struct zone_site *zone)
{
	size_t len;
	int r = answer_largest(&zone->stranger, &len);

	if (r == -E2BIG)
		return fail(l, "page divert.html is too large");
	if (r < 0)
		return r;
	if (zone->queued && len > RESPONDER_ANSWER_MAX)
		return fail(
			l,
			"page divert.html is too large for divert \"queue\": with the longest link, which "
			"is for a web address of %d bytes, the answer has %zu bytes, more than %d",
			LINK_TO_MAX - 1, len, RESPONDER_ANSWER_MAX);
	return 0;
}

/* The zone's own name and certificate; without both there is no https. */
static int load_name(const struct loader *l, const struct site *site, struct zone_site *zone)
{
	char key[BUNDLE_NAME_MAX];

	snprintf(key, sizeof(key), "zone/%zu/pair", l->zone);
	const long pair = bundle_get_number(l->bundle, key, -1);

	zone->stranger.hostname = zone_text(l, "hostname", NULL);
	if (zone->stranger.hostname && !link_is_hostname(zone->stranger.hostname))
		return fail(l, "hostname is no host name");
	if (pair < 0)
		return 0;
	if ((size_t)pair >= site->pair_count || !zone->stranger.hostname)
		return fail(l, "there is no such pair, or no hostname for it");
	zone->pair = &site->pairs[pair];
	zone->stranger.secure = true;
	return 0;
}

static int load_zone(struct loader *l, const struct site *site, struct zone_site *zone)
{
	char key[BUNDLE_NAME_MAX];
	int r = 0;

	snprintf(key, sizeof(key), "zone/%zu/refresh", l->zone);
	long refresh = bundle_get_number(l->bundle, key, 0);

	snprintf(l->place, sizeof(l->place), "zone %zu: ", l->zone);
	zone->name = zone_text(l, "name", NULL);
	if (!zone->name || strlen(zone->name) >= ZONE_NAME_MAX)
		return fail(l, "it has no name");
	snprintf(l->place, sizeof(l->place), "zone \"%s\": ", zone->name);
	zone->venue_info_url = zone_text(l, "venue-info-url", NULL);
	zone->queued = strcmp(zone_text(l, "divert", "redirect"), "queue") == 0;
	if (refresh < 0 || refresh > SITE_REFRESH_MAX)
		return fail(l, "refresh is not between 0 and %d", SITE_REFRESH_MAX);
	for (size_t i = 0; i < PAGES && r == 0; i++)
		r = load_page(l, page_files[i], value_names, VALUES, &zone->pages[i]);
	if (r == 0)
		r = load_page(l, "divert.html", answer_names, ANSWER_VALUES, &zone->divert);
	if (r == 0)
		r = load_style(l, zone);
	if (r == 0)
		r = load_terms(l, zone);
	if (r == 0)
		r = load_logo(l, zone);
	if (r < 0)
		return r;
	zone->stranger = (struct answer_zone){
		.title = zone_text(l, "title", zone->name),
		.lang = zone_text(l, "lang", "en"),
		.refresh = (uint32_t)refresh,
		.page = zone->divert,
	};
	zone->stranger.dir = direction(zone->stranger.lang);
	r = load_name(l, site, zone);
	if (r == 0)
		r = load_probes(l, zone);
	if (r == 0)
		r = load_garden(l, zone);
	return r == 0 ? try_divert(l, zone) : r;
}

static int load_pair(const struct loader *l, size_t i, struct site_pair *p)
{
	char key[BUNDLE_NAME_MAX];

	snprintf(key, sizeof(key), "pair/%zu/chain", i);
	p->chain = bundle_get(l->bundle, key, NULL);
	snprintf(key, sizeof(key), "pair/%zu/key", i);
	p->key = bundle_get(l->bundle, key, NULL);
	snprintf(key, sizeof(key), "pair/%zu/ocsp", i);
	p->ocsp = bundle_get(l->bundle, key, &p->ocsp_len);
	snprintf(key, sizeof(key), "pair/%zu/ocsp-end", i);
	p->ocsp_end = bundle_get_number(l->bundle, key, 0);
	return p->chain && p->key ? 0 : fail(l, "pair %zu is not whole", i);
}

static int load_pairs(const struct loader *l, struct site *site)
{
	const long count = bundle_get_number(l->bundle, "pairs", 0);
	int r = 0;

	if (count < 0 || count > ZONES_MAX)
		return fail(l, "there are more than %d pairs", ZONES_MAX);
	for (; r == 0 && site->pair_count < (size_t)count; site->pair_count++)
		r = load_pair(l, site->pair_count, &site->pairs[site->pair_count]);
	return r;
}

static int load_global(struct loader *l, struct site *site)
{
	const char *level = bundle_get(l->bundle, "log-level", NULL);
	long count = bundle_get_number(l->bundle, "zones", 0);
	size_t len = 0;

	site->log_level = LOG_LEVEL_INFO;
	if (level && log_parse_level(level, &site->log_level) < 0)
		return fail(l, "there is no log-level \"%s\"", level);
	site->secret = (const uint8_t *)bundle_get(l->bundle, "secret", &len);
	if (!site->secret || len != TOKEN_SECRET_LEN)
		return fail(l, "secret is not %d bytes long", TOKEN_SECRET_LEN);
	if (count < 1 || count > ZONES_MAX)
		return fail(l, "there are not between 1 and %d zones", ZONES_MAX);
	site->zones = calloc((size_t)count, sizeof(*site->zones));
	if (!site->zones)
		return -ENOMEM;
	site->zone_count = (size_t)count;
	return 0;
}

static void cleanup_site(struct site **site)
{
	site_unref(*site);
}

int site_load(struct bundle *bundle, struct site **ret_site, char ret_error[static SITE_ERROR_MAX])
{
	CLEANUP(cleanup_site) struct site *site = calloc(1, sizeof(*site));
	struct loader l = {.bundle = bundle, .error = ret_error};

	ret_error[0] = '\0';
	if (!site) {
		bundle_destroy(bundle);
		return -ENOMEM;
	}
	site->references = 1;
	site->bundle = bundle;
	int r = load_global(&l, site);

	if (r == 0)
		r = load_pairs(&l, site);
	for (; r == 0 && l.zone < site->zone_count; l.zone++)
		r = load_zone(&l, site, &site->zones[l.zone]);
	if (r < 0)
		return r;
	*ret_site = steal_ptr(&site);
	return 0;
}

struct site *site_ref(struct site *site)
{
	site->references++;
	return site;
}

void site_unref(struct site *site)
{
	if (!site || --site->references > 0)
		return;
	for (size_t i = 0; i < site->zone_count; i++) {
		struct zone_site *zone = &site->zones[i];

		for (size_t k = 0; k < PAGES; k++)
			template_destroy(zone->pages[k]);
		template_destroy(zone->divert);
		free(zone->probes_text);
		free(zone->style);
		free(zone->terms_text);
		free(zone->terms);
	}
	free(site->zones);
	bundle_destroy(site->bundle);
	free(site);
}
