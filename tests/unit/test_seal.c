/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A web worker that somebody took over, with a packet socket in its hands: each try in a process of its own, which is sealed as
 * portald-web is.  Needs root for the packet socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_packet.h>

#include <cmocka.h>

#include "portal/seal.h"

enum { SKIPPED = 77, PACKET_SOCKETS = 2 };

/* A register whose lower half alone is the int that the kernel sees. */
#define ABOVE_INT(number)  ((long)(UINT64_C(1) << 32 | (uint64_t)(number)))
#define BELOW_ZERO(number) ((long)(UINT64_C(0xffffffff) << 32 | (uint64_t)(number)))

static int packet_fd;	       /* the one of the try */
static int below[2], above[2]; /* connections with numbers next to those of the packet sockets */
static const struct sockaddr_ll elsewhere = {
	.sll_family = AF_PACKET, .sll_protocol = 0x0300 /* ETH_P_ALL */, .sll_ifindex = 1};

static void try_bind(void)
{
	bind(packet_fd, (const struct sockaddr *)&elsewhere, sizeof(elsewhere));
}

static void try_connect(void)
{
	connect(packet_fd, (const struct sockaddr *)&elsewhere, sizeof(elsewhere));
}

static void try_sendto(void)
{
	sendto(packet_fd, "x", 1, 0, (const struct sockaddr *)&elsewhere, sizeof(elsewhere));
}

/* The lower half of the register is 0, as that of no address is. */
static void try_sendto_half_null(void)
{
	const uintptr_t to = (uintptr_t)1 << (sizeof(to) * 4);

	syscall(SYS_sendto, packet_fd, "x", 1, 0, to, sizeof(elsewhere));
}

static long send_message(long fd)
{
	struct sockaddr_ll to = elsewhere;
	struct iovec iov = {.iov_base = &to, .iov_len = sizeof(to)};
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1};

	return syscall(SYS_sendmsg, fd, &msg, 0);
}

static void try_sendmsg(void)
{
	send_message(packet_fd);
}

static void try_sendmsg_above_int(void)
{
	send_message(ABOVE_INT(packet_fd));
}

static void try_sendmsg_below_zero(void)
{
	send_message(BELOW_ZERO(packet_fd));
}

static void try_sendmmsg(void)
{
	struct mmsghdr msg = {0};

	sendmmsg(packet_fd, &msg, 1, 0);
}

static void try_dup(void)
{
	if (dup(packet_fd) < 0)
		return;
}

static void try_dup_by_fcntl(void)
{
	fcntl(packet_fd, F_DUPFD, 100);
}

static void try_promiscuous(void)
{
	const struct packet_mreq mreq = {.mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC};

	setsockopt(packet_fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq));
}

static void try_promiscuous_above_int(void)
{
	const struct packet_mreq mreq = {.mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC};

	syscall(SYS_setsockopt, packet_fd, ABOVE_INT(SOL_PACKET), PACKET_ADD_MEMBERSHIP, &mreq,
		sizeof(mreq));
}

static void try_receive_ring(void)
{
	const struct tpacket_req ring = {4096, 1, 2048, 2};

	setsockopt(packet_fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring));
}

static void try_socket(void)
{
	if (socket(AF_INET, SOCK_DGRAM, 0) < 0)
		return;
}

static void try_open(void)
{
	if (open("/etc/passwd", O_RDONLY) < 0)
		return;
}

static void try_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void send_where_bound(void)
{
	if (sendto(packet_fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno == EACCES)
		_exit(1);
}

static void send_on_connections(void)
{
	char byte = 'x';
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	const struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (sendmsg(below[1], &msg, 0) != 1 || sendmsg(above[0], &msg, 0) != 1)
		_exit(1);
}

static const struct {
	const char *what;
	void (*run)(void);
	int killed;
} tries[] = {
	{"bind", try_bind, SIGSYS},
	{"connect", try_connect, SIGSYS},
	{"sendto with an address", try_sendto, SIGSYS},
	{"sendto with an address of half zeros", try_sendto_half_null, SIGSYS},
	{"sendmsg with an address", try_sendmsg, SIGSYS},
	{"sendmsg, the socket's number plus 2^32", try_sendmsg_above_int, SIGSYS},
	{"sendmsg, the socket's number less 2^32", try_sendmsg_below_zero, SIGSYS},
	{"sendmmsg", try_sendmmsg, SIGSYS},
	{"dup", try_dup, SIGSYS},
	{"fcntl F_DUPFD", try_dup_by_fcntl, SIGSYS},
	{"promiscuous mode", try_promiscuous, SIGSYS},
	{"promiscuous mode, the level plus 2^32", try_promiscuous_above_int, SIGSYS},
	{"a receive ring", try_receive_ring, SIGSYS},
	{"another socket", try_socket, SIGSYS},
	{"a file", try_open, SIGSYS},
	{"another program", try_exec, SIGSYS},
	{"sending where it is bound", send_where_bound, 0},
	{"sending on connections", send_on_connections, 0},
};

/* How the process of one try ended: the signal that killed it, or 0. */
static int run_sealed(int first_packet_fd, void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (seal_worker(first_packet_fd, PACKET_SOCKETS) == 0)
			run();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	return WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void run_tries(int first_packet_fd)
{
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
#ifdef SANITIZED
		/* a build with sanitizers may open files, to report */
		if (tries[i].run == try_open)
			continue;
#endif
		int how = run_sealed(first_packet_fd, tries[i].run);

		if (how != tries[i].killed)
			fail_msg("socket %d: %s: %d", packet_fd - first_packet_fd, tries[i].what,
				 how);
	}
}

static void test_tries(void **state)
{
	const int first = *(const int *)*state;

	for (packet_fd = first; packet_fd < first + PACKET_SOCKETS; packet_fd++)
		run_tries(first);
}

int main(void)
{
	int fds[PACKET_SOCKETS] = {-1};
	const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_tries, fds)};

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, below) < 0)
		return 1;
	for (int i = 0; i < PACKET_SOCKETS; i++) {
		fds[i] = socket(AF_PACKET, SOCK_RAW, 0);
		if (fds[i] < 0)
			return SKIPPED;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, above) < 0 || above[0] != fds[0] + PACKET_SOCKETS ||
	    below[1] != fds[0] - 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
