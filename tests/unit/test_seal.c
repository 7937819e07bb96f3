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
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_packet.h>

#include <cmocka.h>

#include "portal/seal.h"

enum { SKIPPED = 77 };

static int packet_fd;
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

static void try_sendmsg(void)
{
	struct sockaddr_ll to = elsewhere;
	struct iovec iov = {.iov_base = &to, .iov_len = sizeof(to)};
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1};

	sendmsg(packet_fd, &msg, 0);
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

static const struct {
	const char *what;
	void (*run)(void);
	int killed;
} tries[] = {
	{"bind", try_bind, SIGSYS},
	{"connect", try_connect, SIGSYS},
	{"sendto with an address", try_sendto, SIGSYS},
	{"sendmsg with an address", try_sendmsg, SIGSYS},
	{"sendmmsg", try_sendmmsg, SIGSYS},
	{"dup", try_dup, SIGSYS},
	{"fcntl F_DUPFD", try_dup_by_fcntl, SIGSYS},
	{"promiscuous mode", try_promiscuous, SIGSYS},
	{"a receive ring", try_receive_ring, SIGSYS},
	{"another socket", try_socket, SIGSYS},
	{"a file", try_open, SIGSYS},
	{"another program", try_exec, SIGSYS},
	{"sending where it is bound", send_where_bound, 0},
};

/* How the process of one try ended: the signal that killed it, or 0. */
static int run_sealed(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (seal_worker(packet_fd, 1) == 0)
			run();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	return WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void test_tries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
#ifdef __SANITIZE_ADDRESS__
		/* a build with sanitizers may open files, to report */
		if (tries[i].run == try_open)
			continue;
#endif
		int how = run_sealed(tries[i].run);

		if (how != tries[i].killed)
			fail_msg("%s: %d", tries[i].what, how);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tries)};

	packet_fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (packet_fd < 0)
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
