/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets the responder against the kernel's own TCP: packets that the kernel sends into a TUN device
 * go to the responder, its frames go back without their Ethernet header, and on both ways packets
 * are lost, doubled and delayed as a seeded generator says.
 *
 *	tun_relay DEVICE PAGE SEED LOSS DOUBLED DELAYED TITLE-LENGTH
 *
 * LOSS, DOUBLED and DELAYED are out of 1000; PAGE is the template of the answer.  It ends with its
 * standard input and then writes what it counted, "NAME NUMBER" a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <net/if.h>

#include "common/cleanup.h"
#include "portal/responder.h"

enum {
	ARGUMENTS = 8,
	PACKET_MAX = 2048,
	PENDING_MAX = 512, /* packets on their way; more are lost */
	DELAY_MAX = 30,	   /* ms */
	PAGE_MAX = 16384,
	TITLE_MAX = 7000,
	ETHERNET = 14,
};

struct pending {
	uint64_t due;	 /* ms; 0: free */
	uint64_t number; /* decides between those due together */
	bool to_guest;
	size_t len;
	uint8_t data[PACKET_MAX];
};

struct relay {
	int fd;
	uint64_t random;
	unsigned int lost, doubled, delayed; /* out of 1000 */
	struct responder responder;
	struct responder_zone zone;
	struct answer_zone answer;
	char page[PAGE_MAX], title[TITLE_MAX + 1];
	uint64_t dropped, launched;
	struct pending pending[PENDING_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* xorshift64*: out of `range` */
static unsigned int dice(struct relay *r, unsigned int range)
{
	r->random ^= r->random >> 12;
	r->random ^= r->random << 25;
	r->random ^= r->random >> 27;
	return (unsigned int)(r->random * 0x2545f4914f6cdd1dULL >> 33) % range;
}

static void launch(struct relay *r, bool to_guest, const uint8_t *data, size_t len)
{
	for (unsigned int copies = dice(r, 1000) < r->doubled ? 2 : 1; copies > 0; copies--) {
		const bool late = dice(r, 1000) < r->delayed, lost = dice(r, 1000) < r->lost;
		struct pending *p = r->pending, *const end = p + PENDING_MAX;

		while (p < end && p->due != 0)
			p++;
		if (lost || p == end) {
			r->dropped++;
			continue;
		}
		p->due = now_ms() + (late ? 1 + dice(r, DELAY_MAX) : 0);
		p->number = r->launched++;
		p->to_guest = to_guest;
		p->len = len;
		memcpy(p->data, data, len);
	}
}

static void respond(struct relay *r, const uint8_t *data, size_t len)
{
	static uint8_t buffers[RESPONDER_FRAMES_MAX][FRAME_MAX];
	const struct responder_packet packet = {
		.data = data, .len = len, .mac = {{2, 0, 0, 0, 0, 1}}, .zone = 0};
	struct responder_frames frames = {.room = RESPONDER_FRAMES_MAX};

	for (size_t i = 0; i < frames.room; i++)
		frames.at[i] = buffers[i];
	responder_handle(&r->responder, &packet, now_ms() / 1000, &frames);
	for (size_t i = 0; i < frames.count; i++)
		launch(r, true, frames.at[i] + ETHERNET, frames.len[i] - ETHERNET);
}

/* The packet that is due first, NULL: none is on its way */
static struct pending *find_next(struct relay *r)
{
	struct pending *next = NULL;

	for (struct pending *p = r->pending; p < r->pending + PENDING_MAX; p++) {
		if (p->due != 0 && (!next || p->due < next->due ||
				    (p->due == next->due && p->number < next->number)))
			next = p;
	}
	return next;
}

/* Delivers what is due.  Returns the ms until the next is, -1: there is none. */
static int deliver(struct relay *r)
{
	uint8_t data[PACKET_MAX];
	struct pending *p;

	while ((p = find_next(r))) {
		const uint64_t now = now_ms();
		const size_t len = p->len;

		if (p->due > now)
			return (int)(p->due - now);
		p->due = 0;
		memcpy(data, p->data, len);
		if (!p->to_guest)
			respond(r, data, len);
		else if (write(r->fd, data, len) < 0)
			r->dropped++;
	}
	return -1;
}

static int run(struct relay *r)
{
	struct pollfd fds[2] = {{.fd = r->fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	uint8_t data[PACKET_MAX];

	while (poll(fds, 2, deliver(r)) >= 0 || errno == EINTR) {
		if (fds[1].revents)
			return 0;
		if (fds[0].revents) {
			ssize_t n = read(r->fd, data, sizeof(data));

			if (n < 0)
				return 1;
			launch(r, false, data, (size_t)n);
		}
	}
	return 1;
}

static int make_answer(void *ctx, const struct responder_request *req, char *buf, size_t size)
{
	const struct relay *r = ctx;
	const struct addr locals[] = {{.family = 4, .b = {192, 0, 2, 1}},
				      {.family = 6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};

	struct responder_gateway gateway;
	struct link_target target;

	responder_gateway_init(&gateway, &r->answer, &locals[req->family == 6]);
	link_split(req->target, req->host, &target);
	return responder_answer(req, &target, &r->answer, &gateway, time(NULL), buf, size);
}

static const char *find_page(void *ctx, const char *file, size_t *ret_len)
{
	const struct relay *r = ctx;

	(void)file;
	*ret_len = strlen(r->page);
	return r->page;
}

static int load_page(struct relay *r, const char *path)
{
	const struct template_source source = {answer_names, ANSWER_VALUES, find_page, r};
	CLEANUP(cleanup_fclose) FILE *file = fopen(path, "r");
	char error[TEMPLATE_ERROR_MAX];
	struct template *page;

	if (!file || fread(r->page, 1, sizeof(r->page) - 1, file) == 0 ||
	    template_parse(&source, "page", &page, error) < 0)
		return -1;
	r->answer = (struct answer_zone){
		.title = r->title, .lang = "en", .dir = "ltr", .refresh = 7, .page = page};
	return 0;
}

static int open_device(const char *name)
{
	CLEANUP(cleanup_close) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return -1;
	return steal_fd(&fd);
}

static unsigned int number(const char *text, unsigned int max)
{
	const unsigned long n = strtoul(text, NULL, 10);

	return n > max ? max : (unsigned int)n;
}

int main(int argc, char **argv)
{
	static struct relay r;
	static const uint8_t key[COOKIE_KEY_LEN] = "a key of a test";

	if (argc != ARGUMENTS)
		return 2;
	r.random = 0x9e3779b97f4a7c15ULL ^ strtoull(argv[3], NULL, 10);
	r.lost = number(argv[4], 1000);
	r.doubled = number(argv[5], 1000);
	r.delayed = number(argv[6], 1000);
	memset(r.title, 'V', number(argv[7], TITLE_MAX));
	r.zone = (struct responder_zone){.mac = {{2, 0, 0, 0, 0, 2}}, .mtu = 1500};
	r.responder = (struct responder){
		.zones = &r.zone, .zone_count = 1, .answer = make_answer, .ctx = &r};
	cookie_init(&r.responder.keys, key, now_ms() / 1000);
	r.fd = open_device(argv[1]);
	if (r.fd < 0 || load_page(&r, argv[2]) < 0) {
		perror(r.fd < 0 ? argv[1] : argv[2]);
		return 1;
	}
	const int status = run(&r);

	for (size_t i = 0; i < RESPONDER_OUTCOMES; i++)
		printf("%s %llu\n", responder_outcome_names[i],
		       (unsigned long long)r.responder.counts[i]);
	printf("dropped-by-relay %llu\n", (unsigned long long)r.dropped);
	return status;
}
