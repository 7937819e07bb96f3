/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "common/sandbox.h"

int sandbox_find_account(const char *user, struct account *ret_account)
{
	errno = 0;
	const struct passwd *pw = getpwnam(user);

	if (!pw)
		return errno ? -errno : -ENOENT;
	ret_account->uid = pw->pw_uid;
	ret_account->gid = pw->pw_gid;
	return 0;
}

int sandbox_become(const struct account *account, int capability)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capability >= 0 && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
					    (unsigned int)capability) < 0)
		return -EPERM;
	/* capng_change_id() keeps what is selected above, sets the ids, and clears the bounding set
	 * while it still can */
	if (capng_change_id((int)account->uid, (int)account->gid,
			    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) < 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (getuid() != account->uid || geteuid() != account->uid || getgid() != account->gid)
		return -EPERM;
	return 0;
}

/* What libc does on its own in any process of ours. */
static const int basic_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mmap),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(read),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sigreturn),
	SCMP_SYS(sysinfo), /* glibc 2.36: qsort() asks for the memory, above 1 KiB */
	SCMP_SYS(write),
	SCMP_SYS(clock_nanosleep),
};

#ifdef SANITIZED
/* Reports of AddressSanitizer: it reads its own maps and looks for a symbolizer. */
static const int sanitizer_calls[] = {
	SCMP_SYS(openat),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(mprotect),
	SCMP_SYS(prctl),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(stat),
	SCMP_SYS(open),
	SCMP_SYS(ioctl),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(access),
	SCMP_SYS(getcwd),
	SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit),
	SCMP_SYS(tgkill),
};
#endif

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = seccomp_rule_add_exact(filter, SCMP_ACT_ALLOW, calls[i], 0);

		if (r < 0 && r != -EDOM) /* a call that this architecture does not have */
			return r;
	}
	return 0;
}

static int allow(scmp_filter_ctx filter, const struct sandbox_rule *rule)
{
	if (rule->compare == SANDBOX_ANY)
		return allow_all(filter, &rule->syscall, 1);
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, rule->syscall, 1,
				SCMP_CMP64(rule->arg, SCMP_CMP_EQ, rule->value));
}

int sandbox_forbid(int syscall, unsigned int arg, uint32_t first, uint32_t count)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < count && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, syscall, 1,
				     SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, first + i));
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

static int seal(scmp_filter_ctx filter, const struct sandbox_rule *rules, size_t count)
{
	int r = allow_all(filter, basic_calls, sizeof(basic_calls) / sizeof(basic_calls[0]));

#ifdef SANITIZED
	if (r == 0)
		r = allow_all(filter, sanitizer_calls,
			      sizeof(sanitizer_calls) / sizeof(sanitizer_calls[0]));
#endif
	for (size_t i = 0; i < count && r == 0; i++)
		r = allow(filter, &rules[i]);
	return r < 0 ? r : seccomp_load(filter);
}

int sandbox_seal(const struct sandbox_rule *rules, size_t count)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!filter)
		return -ENOMEM;
	int r = seal(filter, rules, count);

	seccomp_release(filter);
	return r;
}
