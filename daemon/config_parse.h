/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parsers of values, for the table of keys (config_key.c). */
#pragma once

#include "daemon/config_private.h"

/* Names that nft's rules can have in them. */
bool config_is_zone_name(const char *name);
bool config_is_interface(const char *name);

config_parser config_parse_yes;	     /* "yes" or "no" */
config_parser config_parse_duration; /* "8h", between the key's bounds */
config_parser config_parse_extend;   /* the same, or "none" */

/* How strangers are answered. */
config_parser config_parse_divert;
config_parser config_parse_probes;
config_parser config_parse_redirect_probes;

/* Limits. */
config_parser config_parse_idle;
config_parser config_parse_bytes;
config_parser config_parse_rate;

config_parser config_parse_listen; /* "127.0.0.1:9273", "[::1]:9273" */
config_parser config_parse_url;	   /* "https://example.org/" */
config_parser config_parse_garden;

config_parser config_parse_hostname;	/* "portal.example.net" */
config_parser config_parse_certificate; /* a path, or credential:NAME (daemon/certificate.c) */
