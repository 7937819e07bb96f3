/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a web worker may ask of the kernel.  A packet socket is a power: bind(), or an address in sendto() or sendmsg(), would take
 * its frames to any interface without any capability.  So bind() is not here, sendto() has no address, and sendmsg(), which
 * libmicrohttpd needs for connections, is forbidden for the numbers of the packet sockets; nothing here gives a descriptor
 * another number.  What is left is the ring that such a socket has (portal/send_ring.h): any frame, out of its zone's interface.
 */
#include <netinet/in.h>

#include <seccomp.h>

#include "common/sandbox.h"
#include "portal/seal.h"

int seal_worker(int first_packet_fd, int count)
{
	static const struct sandbox_rule rules[] = {
		/* the event loops */
		{.syscall = SCMP_SYS(epoll_wait)},
		{.syscall = SCMP_SYS(epoll_pwait)},
		{.syscall = SCMP_SYS(epoll_ctl)},
		/* connections of guests, queued packets */
		{.syscall = SCMP_SYS(accept4)},
		{.syscall = SCMP_SYS(recvfrom)},
		{.syscall = SCMP_SYS(recvmmsg)},
		{.syscall = SCMP_SYS(sendto), .compare = SANDBOX_EQUAL, .arg = 4, .value = 0},
		{.syscall = SCMP_SYS(sendmsg)},
		{.syscall = SCMP_SYS(shutdown)},
		{.syscall = SCMP_SYS(getsockname)},
		{.syscall = SCMP_SYS(setsockopt),
		 .compare = SANDBOX_EQUAL,
		 .arg = 1,
		 .value = IPPROTO_TCP},
	};
	int r = sandbox_forbid(SCMP_SYS(sendmsg), 0, (uint32_t)first_packet_fd, (uint32_t)count);

	return r < 0 ? r : sandbox_seal(rules, sizeof(rules) / sizeof(rules[0]));
}
