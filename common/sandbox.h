/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a process gives its power away, in the order in which main() calls it:
 *   sandbox_become()  another uid and gid, no supplementary groups but those named, at most one
 * capability kept, no_new_privs, not dumpable; sandbox_seal()    a seccomp filter that kills the
 * process for any system call that is not in its list. Nothing here can be undone.  Negative errno
 * on failure: the caller must exit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid;
};

/* -ENOENT: no such user */
int sandbox_find_account(const char *user, struct account *ret_account);

/* capability: CAP_NET_ADMIN or -1 for none */
int sandbox_become(const struct account *account, int capability);

/* What one entry of a seal list lets through: a system call by its libseccomp number. */
struct sandbox_rule {
	int syscall; /* SCMP_SYS(name) */
	/* SANDBOX_EQUAL: only if argument number `arg` is `value`.  All 64 bits of the register are compared, and
	 * the kernel cuts an int to 32: equality with a small number holds for both, an order or a difference
	 * would not. */
	enum { SANDBOX_ANY, SANDBOX_EQUAL } compare;
	unsigned int arg;
	uint64_t value;
};

/* From here on kills the process for `syscall` with argument number `arg`, an int, among `count` numbers from `first`
 * on, whatever stands above its 32 bits.  A filter of its own, which sandbox_seal() cannot loosen (the strictest of
 * all filters decides), and must be called before it. */
int sandbox_forbid(int syscall, unsigned int arg, uint32_t first, uint32_t count);

/* Adds the calls that every process of ours needs (memory, clock, log to stderr, exit, signals'
 * return) by itself, and in builds with sanitizers what those need. */
int sandbox_seal(const struct sandbox_rule *rules, size_t count);
