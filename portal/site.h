/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that the web worker knows: the engine's bundle, read whole into one const struct.  It
 * is replaced at a reload; whoever still answers a request with the old one holds a reference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/bundle.h"
#include "common/garden.h"
#include "common/log.h"
#include "common/probe.h"
#include "common/proto.h"
#include "portal/answer.h"
#include "portal/template.h"
#include "portal/values.h"

enum {
	SITE_ERROR_MAX = 320,
	SITE_PARAGRAPHS_MAX = 256, /* of a zone's terms */
	SITE_REFRESH_MAX = 86400,  /* seconds */
};

/* A certificate and its key in PEM, and what its CA said of it. */
struct site_pair {
	const char *chain, *key;
	const char *ocsp; /* DER; NULL: there is nothing to show */
	size_t ocsp_len;
	time_t ocsp_end; /* not to be shown from then on */
};

struct zone_site {
	const char *name;
	const struct site_pair *pair; /* NULL: no https */
	bool queued;		      /* divert "queue" */
	struct answer_zone
		stranger; /* also holds hostname, title, lang, dir and refresh for all pages */
	struct template *divert;
	char *probes_text;
	const char *probes[PROBES_MAX]; /* of stranger */
	struct template *pages[PAGES];	/* but for the style sheet, which is rendered once */
	char *style;
	size_t style_len;
	char *terms_text;
	const char **terms; /* paragraphs */
	size_t terms_count;
	const char *logo, *logo_type; /* NULL if there is none */
	size_t logo_len;
	struct garden garden;	    /* its host names are held against DNS answers */
	const char *venue_info_url; /* for the captive portal API; NULL if there is none */
};

struct site {
	unsigned int references;
	struct bundle *bundle; /* strings point into it */
	const uint8_t *secret; /* TOKEN_SECRET_LEN */
	enum log_level log_level;
	size_t pair_count;
	struct site_pair pairs[ZONES_MAX];
	size_t zone_count;
	struct zone_site *zones;
};

/* Takes the bundle, on failure too.  -EINVAL: what is wrong is in ret_error; or another negative
 * errno. */
int site_load(struct bundle *bundle, struct site **ret_site, char ret_error[static SITE_ERROR_MAX]);
struct site *site_ref(struct site *site);
/* The last one frees it.  NULL is fine. */
void site_unref(struct site *site);
