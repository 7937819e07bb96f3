/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values that say how strangers' web requests are answered. */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/probe.h"
#include "daemon/config_parse.h"

int config_parse_divert(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	uint32_t *divert = field;

	(void)key;
	if (strcmp(value, "redirect") == 0)
		*divert = DIVERT_REDIRECT;
	else if (strcmp(value, "queue") == 0)
		*divert = DIVERT_QUEUE;
	else
		return config_complain(l, "\"%s\" is not known; use \"redirect\" or \"queue\"",
				       value);
	return 0;
}

int config_parse_probes(struct config_load *l, const struct config_key *key, const char *value,
			void *field)
{
	uint32_t *probes = field;

	(void)key;
	if (strcmp(value, "compatible") == 0)
		*probes = PROBES_COMPATIBLE;
	else if (strcmp(value, "strict") == 0)
		*probes = PROBES_STRICT;
	else
		return config_complain(l, "\"%s\" is not known; use \"compatible\" or \"strict\"",
				       value);
	return 0;
}

int config_parse_redirect_probes(struct config_load *l, const struct config_key *key,
				 const char *value, void *field)
{
	CLEANUP(cleanup_free) char *list = strdup(value);
	const char *patterns[PROBES_MAX];

	(void)key;
	if (!list)
		return -ENOMEM;
	const size_t count = probe_split(list, patterns);

	if (count == 0 || count > PROBES_MAX)
		return config_complain(l, "%zu probes; name 1 to %d, with blanks between them",
				       count, PROBES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!probe_is_pattern(patterns[i]))
			return config_complain(
				l,
				"\"%s\" is no probe; write it like probe.example.net/check, "
				"*.example.net/check or */check, without http://; a * may end it",
				patterns[i]);
	}
	return config_set_text(field, value);
}
