/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of a zone's limits (common/session_limits.h). */
#include "common/session_limits.h"
#include "daemon/config_parse.h"

static int parse_limit(struct config_load *l, enum limit_unit unit, const char *value, void *field)
{
	static const char *const examples[] = {
		[LIMIT_SECONDS] = "a time: 90s, 30m, 8h",
		[LIMIT_BYTES] = "an amount of bytes: 500M, 1.5G, 20Gi",
		[LIMIT_BITS] = "bits a second: 512k, 20M, 1G",
	};

	if (limit_parse(unit, value, field) < 0)
		return config_complain(l, "\"%s\" cannot be; write %s; or none", value,
				       examples[unit]);
	return 0;
}

int config_parse_idle(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	(void)key;
	return parse_limit(l, LIMIT_SECONDS, value, field);
}

int config_parse_bytes(struct config_load *l, const struct config_key *key, const char *value,
		       void *field)
{
	(void)key;
	return parse_limit(l, LIMIT_BYTES, value, field);
}

int config_parse_rate(struct config_load *l, const struct config_key *key, const char *value,
		      void *field)
{
	(void)key;
	return parse_limit(l, LIMIT_BITS, value, field);
}
