/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of a zone's limits (common/session_limits.h). */
#include <errno.h>

#include "common/session_limits.h"
#include "daemon/config_parse.h"

static int parse_limit(struct config_load *l, enum limit_unit unit, const char *value, void *field)
{
	static const struct {
		const char *example, *range; /* of limit_fields[] */
	} units[] = {
		[LIMIT_SECONDS] = {"a time: 90s, 30m, 8h", "1s and 3650d"},
		[LIMIT_BYTES] = {"an amount of bytes: 500M, 1.5G, 20Gi", "1 and 1048576Ti"},
		[LIMIT_BITS] = {"bits a second: 512k, 20M, 1G", "1 and 100G"},
	};
	int r = limit_parse(unit, value, field);

	if (r == -ERANGE)
		return config_complain(l, "it must be between %s, not %s; or none",
				       units[unit].range, value);
	if (r < 0)
		return config_complain(l, "\"%s\" cannot be; write %s; or none", value,
				       units[unit].example);
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
