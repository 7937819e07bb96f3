/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/msg.h"
#include "daemon/egress.h"
#include "daemon/start.h"

/* The limits that need it, as limit_fields[] names them. */
static const char *const needing[] = {"quota-down", "quota-total", "rate-down"};

static bool needs_egress(size_t field)
{
	for (size_t i = 0; i < sizeof(needing) / sizeof(needing[0]); i++) {
		if (strcmp(limit_fields[field].name, needing[i]) == 0)
			return true;
	}
	return false;
}

void egress_tell_loss(const struct config *c, FILE *out)
{
	static const char *const lost[] = {
		"quota-down, quota-total and rate-down, and the count of what goes to a guest",
		"connections from outside to a guest, and between zones",
		"the end of streams towards a guest whose session ends while portald does not run",
	};

	fputs("this kernel has no netdev egress hook (Linux 5.16 and newer, CONFIG_NETFILTER_EGRESS); "
	      "without it these are off:\n",
	      out);
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		fprintf(out, "  off without an egress hook: %s\n", lost[i]);
	for (size_t z = 0; z < c->zone_count; z++) {
		const struct zone_config *zone = &c->zones[z];

		for (size_t i = 0; i < SESSION_LIMITS; i++) {
			if (needs_egress(i) && limit_value(&zone->limits, i))
				fprintf(out,
					"%s:%u: zone \"%s\": %s has no effect on this kernel\n",
					c->path, config_line(c, zone, limit_fields[i].name),
					zone->name, limit_fields[i].name);
		}
	}
}

/* What a user may know who may not ask. */
static bool is_too_old(void)
{
	unsigned int major, minor;
	struct utsname name;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 16));
}

static int ask_gate(void)
{
	CLEANUP(cleanup_close) int fd = -1;
	static union msg msg;
	pid_t pid;
	int r = start_gate("--probe", NULL, &fd, &pid);

	if (r < 0)
		return r;
	r = msg_recv(fd, &msg, NULL);
	waitpid(pid, NULL, 0);
	if (r < 0)
		return r;
	return msg.head.type == MSG_GATE_ABILITY ? msg.gate_ability.egress : -EBADMSG;
}

void egress_check(const struct config *c, FILE *out)
{
	int r = ask_gate();

	if (r == -EPERM && is_too_old())
		r = -EOPNOTSUPP;
	if (r == -EOPNOTSUPP)
		egress_tell_loss(c, out);
	else if (r == -EPERM)
		fputs("whether this kernel can count and limit what goes to guests is known to root alone: "
		      "run portald -n as root\n",
		      out);
	else if (r < 0)
		fprintf(out, "the kernel cannot be asked for an egress hook: %s\n", strerror(-r));
}

void egress_strip(const struct engine *e, struct limits *limits)
{
	for (size_t i = 0; i < SESSION_LIMITS && e->no_egress; i++) {
		if (needs_egress(i))
			*limit_at(limits, i) = 0;
	}
}

const char *egress_refusal(const struct engine *e, const struct limits *limits, unsigned int given)
{
	for (size_t i = 0; i < SESSION_LIMITS && e->no_egress; i++) {
		if ((given & 1U << i) && needs_egress(i) && limit_value(limits, i))
			return "this kernel has no egress hook: quota-down, quota-total and rate-down "
			       "are off (portalctl status)";
	}
	return NULL;
}
