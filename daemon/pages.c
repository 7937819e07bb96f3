/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries: log-level, secret, pairs and zones (their numbers); for pair i, each with the prefix
 * "pair/i/": chain and key in PEM, and, if the CA's response can be shown, ocsp in DER and ocsp-end; for
 * zone i, each with the prefix "zone/i/": name, hostname (if configured), pair (the number of its
 * pair, if it has one), title, lang, refresh, portal-port, divert-port, accent, accent-dark, divert,
 * walled-garden, certificate-hosts, probes, redirect-probes (if configured), terms, logo and logo-type (if configured), page/FILE for
 * each file of the pages folder.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/bundle.h"
#include "common/cleanup.h"
#include "common/paths.h"
#include "common/probe.h"
#include "daemon/pages.h"
#include "daemon/start.h"

static int read_file(const char *path, char **ret_data, size_t *ret_len)
{
	CLEANUP(cleanup_fclose) FILE *f = fopen(path, "re");
	CLEANUP(cleanup_free) char *data = malloc(CONFIG_FILE_MAX + 1);

	if (!f)
		return -errno;
	if (!data)
		return -ENOMEM;
	size_t len = fread(data, 1, CONFIG_FILE_MAX + 1, f);

	if (ferror(f))
		return -EIO;
	if (len > CONFIG_FILE_MAX)
		return -EFBIG;
	*ret_data = steal_ptr(&data);
	*ret_len = len;
	return 0;
}

static int add_file(struct bundle_writer *w, const char *name, const char *path, FILE *out)
{
	CLEANUP(cleanup_free) char *data = NULL;
	size_t len = 0;
	int r = read_file(path, &data, &len);

	if (r == 0)
		r = bundle_add(w, name, data, len);
	if (r < 0)
		fprintf(out, "%s: %s\n", path, strerror(-r));
	return r;
}

/* Adds FOLDER/file for each regular file; `first` (may be NULL) is the folder whose files go
 * before. */
static int add_folder(struct bundle_writer *w, size_t zone, const char *folder, const char *first,
		      FILE *out)
{
	CLEANUP(cleanup_closedir) DIR *dir = opendir(folder);
	char path[PATH_MAX], name[BUNDLE_NAME_MAX];
	const struct dirent *d;
	struct stat st;

	if (!dir) {
		int r = -errno;

		fprintf(out, "%s: %s\n", folder, strerror(-r));
		return r;
	}
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.' || strlen(d->d_name) > 64)
			continue;
		if (first && snprintf(path, sizeof(path), "%s/%s", first, d->d_name) < PATH_MAX &&
		    stat(path, &st) == 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, d->d_name) >= PATH_MAX ||
		    stat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		snprintf(name, sizeof(name), "zone/%zu/page/%s", zone, d->d_name);
		int r = add_file(w, name, path, out);

		if (r < 0)
			return r;
	}
	return 0;
}

static const char *image_type(const char *path)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".svg", "image/svg+xml"}, {".png", "image/png"},   {".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},   {".webp", "image/webp"}, {".gif", "image/gif"},
	};
	const char *ending = strrchr(path, '.');

	for (size_t i = 0; ending && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcasecmp(ending, types[i].ending) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

static int add_pair(struct bundle_writer *w, size_t i, const struct pair *p)
{
	char name[BUNDLE_NAME_MAX];

	snprintf(name, sizeof(name), "pair/%zu/chain", i);
	int r = bundle_addf(w, name, "%s", p->chain_pem);

	snprintf(name, sizeof(name), "pair/%zu/key", i);
	if (r == 0)
		r = bundle_addf(w, name, "%s", p->key_pem);
	if (!p->ocsp_der)
		return r;
	snprintf(name, sizeof(name), "pair/%zu/ocsp", i);
	if (r == 0)
		r = bundle_add(w, name, p->ocsp_der, p->ocsp_len);
	snprintf(name, sizeof(name), "pair/%zu/ocsp-end", i);
	return r == 0 ? bundle_addf(w, name, "%" PRId64, p->ocsp_end) : r;
}

/* Each pair once, and which of them each zone has. */
static int add_pairs(struct bundle_writer *w, const struct config *c)
{
	const struct pair *pairs[ZONES_MAX];
	char name[BUNDLE_NAME_MAX];
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < c->zone_count && r == 0; i++) {
		const struct pair *p = config_pair(c, &c->zones[i]);
		size_t k = 0;

		if (!p || !p->chain_pem)
			continue;
		while (k < count && pairs[k] != p)
			k++;
		if (k == count) {
			pairs[count++] = p;
			r = add_pair(w, k, p);
		}
		snprintf(name, sizeof(name), "zone/%zu/pair", i);
		if (r == 0)
			r = bundle_addf(w, name, "%zu", k);
	}
	return r == 0 ? bundle_addf(w, "pairs", "%zu", count) : r;
}

static int add_texts(struct bundle_writer *w, size_t i, const struct config *c)
{
	const struct zone_config *z = &c->zones[i];
	const struct pair *pair = config_pair(c, z);
	const struct {
		const char *key, *value;
	} texts[] = {
		{"name", z->name},
		{"hostname", config_hostname(c, z)},
		{"title", z->title},
		{"lang", z->lang},
		{"venue-info-url", z->venue_info_url},
		{"accent", z->accent},
		{"accent-dark", z->accent_dark},
		{"logo-type", z->logo ? image_type(z->logo) : NULL},
		{"probes", z->probes == PROBES_STRICT ? "strict" : "compatible"},
		{"redirect-probes", z->redirect_probes},
		{"walled-garden", z->garden},
		{"certificate-hosts", pair ? pair->hosts : NULL},
		{"divert", z->divert == DIVERT_QUEUE ? "queue" : "redirect"},
	};
	const struct {
		const char *key;
		unsigned int value;
	} numbers[] = {{"refresh", z->refresh},
		       {"portal-port", z->portal_port},
		       {"divert-port", z->divert_port}};
	char name[BUNDLE_NAME_MAX];
	int r = 0;

	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]) && r == 0; k++) {
		snprintf(name, sizeof(name), "zone/%zu/%s", i, texts[k].key);
		if (texts[k].value)
			r = bundle_addf(w, name, "%s", texts[k].value);
	}
	for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]) && r == 0; k++) {
		snprintf(name, sizeof(name), "zone/%zu/%s", i, numbers[k].key);
		r = bundle_addf(w, name, "%u", numbers[k].value);
	}
	return r;
}

static int add_zone(struct bundle_writer *w, size_t i, const struct config *c, const char *pages,
		    FILE *out)
{
	const struct zone_config *z = &c->zones[i];
	char name[BUNDLE_NAME_MAX], terms[PATH_MAX];
	int r = add_texts(w, i, c);

	if (r < 0)
		return r;
	if (snprintf(terms, sizeof(terms), "%s/terms.txt", z->pages ? z->pages : pages) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (z->pages && access(terms, R_OK) < 0 &&
	    snprintf(terms, sizeof(terms), "%s/terms.txt", pages) >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(name, sizeof(name), "zone/%zu/terms", i);
	r = add_file(w, name, z->terms ? z->terms : terms, out);
	if (r == 0 && z->logo) {
		snprintf(name, sizeof(name), "zone/%zu/logo", i);
		r = add_file(w, name, z->logo, out);
	}
	if (r == 0 && z->pages)
		r = add_folder(w, i, z->pages, NULL, out);
	return r == 0 ? add_folder(w, i, pages, z->pages, out) : r;
}

static int add_all(struct bundle_writer *w, const struct config *c, const unsigned char *secret,
		   FILE *out)
{
	static const char *const levels[] = {[LOG_LEVEL_ERROR] = "error",
					     [LOG_LEVEL_WARNING] = "warning",
					     [LOG_LEVEL_INFO] = "info",
					     [LOG_LEVEL_DEBUG] = "debug"};
	char pages[PATH_MAX];
	int r = find_data("pages", pages);

	if (r < 0) {
		fprintf(out, "%s: %s; is portald installed whole?\n", pages, strerror(-r));
		return r;
	}
	r = bundle_addf(w, "log-level", "%s", levels[c->log_level]);
	if (r == 0)
		r = bundle_add(w, "secret", secret, 32);
	if (r == 0)
		r = add_pairs(w, c);
	if (r == 0)
		r = bundle_addf(w, "zones", "%zu", c->zone_count);
	for (size_t i = 0; i < c->zone_count && r == 0; i++)
		r = add_zone(w, i, c, pages, out);
	return r;
}

int pages_bundle(const struct config *config, const unsigned char secret[static 32], FILE *out,
		 int *ret_fd)
{
	CLEANUP(bundle_writer_finish) struct bundle_writer w = {.fd = -1};
	int r = bundle_writer_init(&w);

	if (r == 0)
		r = add_all(&w, config, secret, out);
	if (r == 0)
		r = bundle_seal(&w, ret_fd);
	return r;
}

int pages_look_inside(const struct config *config, int bundle, FILE *out)
{
	char why[START_WHY_MAX];
	int r = start_page_check(bundle, why);

	if (r < 0)
		fprintf(out, "%s: %s\n", config->path, why);
	return r;
}

int pages_check(const struct config *config, FILE *out)
{
	static const unsigned char no_secret[32];
	CLEANUP(cleanup_close) int bundle = -1;
	int r = pages_bundle(config, no_secret, out, &bundle);

	return r < 0 ? r : pages_look_inside(config, bundle, out);
}
