/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parsers of values, for the table of keys (config_key.c): each reads `value` into *field.  0, or
 * -EINVAL after config_complain(). */
#pragma once

#include "daemon/config_private.h"

/* "yes" or "no" */
int config_parse_yes(struct config_load *l, const struct config_key *key, const char *value,
		     void *field);
/* "8h", between the key's bounds; the second one also "none" */
int config_parse_duration(struct config_load *l, const struct config_key *key, const char *value,
			  void *field);
int config_parse_extend(struct config_load *l, const struct config_key *key, const char *value,
			void *field);

/* Parsers of how strangers are answered. */
int config_parse_divert(struct config_load *l, const struct config_key *key, const char *value,
			void *field);
int config_parse_probes(struct config_load *l, const struct config_key *key, const char *value,
			void *field);
int config_parse_redirect_probes(struct config_load *l, const struct config_key *key,
				 const char *value, void *field);

/* Parsers of limits. */
int config_parse_idle(struct config_load *l, const struct config_key *key, const char *value,
		      void *field);
int config_parse_bytes(struct config_load *l, const struct config_key *key, const char *value,
		       void *field);
int config_parse_rate(struct config_load *l, const struct config_key *key, const char *value,
		      void *field);

/* "127.0.0.1:9273", "[::1]:9273" */
int config_parse_listen(struct config_load *l, const struct config_key *key, const char *value,
			void *field);
/* "https://example.org/" */
int config_parse_url(struct config_load *l, const struct config_key *key, const char *value,
		     void *field);
int config_parse_garden(struct config_load *l, const struct config_key *key, const char *value,
			void *field);

/* "portal.example.net" */
int config_parse_hostname(struct config_load *l, const struct config_key *key, const char *value,
			  void *field);
/* A path, or credential:NAME (daemon/certificate.c). */
int config_parse_certificate(struct config_load *l, const struct config_key *key, const char *value,
			     void *field);
