/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/ability.h"
#include "daemon/egress.h"

void ability_learn(void *engine, const struct gate_ability *ability)
{
	struct engine *e = engine;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t len = 0;

	e->no_egress = ability->egress != 0;
	e->put_all = ability->missing;
	memcpy(e->no_names, ability->names, sizeof(e->no_names));

	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	ability_tell(e, out);
	fclose(out);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		log_warning("%s", line);
}

void ability_tell(const struct engine *e, FILE *out)
{
	if (e->no_egress)
		egress_tell_loss(e->config, out);
	if (e->no_names[0])
		fprintf(out,
			"host names of walled gardens, and the hosts of the certificate, stay closed to strangers: "
			"%s; then restart portald\n",
			e->no_names);
}
