/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "ctl/client.h"

struct client {
	int sock;
	char *buf; /* ANSWER_MAX bytes: what came and is not used yet stands in [at, len) */
	size_t at, len;
};

static int set_timeout(int sock, int which, uint64_t seconds)
{
	const struct timeval tv = {.tv_sec = (time_t)seconds};

	return setsockopt(sock, SOL_SOCKET, which, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

/* connect(2) of a unix socket keeps to SO_SNDTIMEO. */
static int connect_to(const char *path, uint64_t timeout)
{
	CLEANUP(cleanup_close) int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (sock < 0)
		return -errno;
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	set_timeout(sock, SO_SNDTIMEO, CONNECT_SECONDS);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	set_timeout(sock, SO_SNDTIMEO, timeout);
	set_timeout(sock, SO_RCVTIMEO, timeout);
	return steal_fd(&sock);
}

int client_create(const char *path, uint64_t timeout, struct client **ret_client)
{
	CLEANUP(cleanup_close) int sock = connect_to(path, timeout);
	CLEANUP(cleanup_free) char *buf = malloc(ANSWER_MAX);
	struct client *client = malloc(sizeof(*client));

	if (sock < 0 || !buf || !client) {
		free(client);
		return sock < 0 ? sock : -ENOMEM;
	}
	*client = (struct client){.sock = steal_fd(&sock), .buf = steal_ptr(&buf)};
	*ret_client = client;
	return 0;
}

void client_destroy(struct client *client)
{
	if (!client)
		return;
	close(client->sock);
	free(client->buf);
	free(client);
}

void client_wait_for_ever(struct client *client)
{
	set_timeout(client->sock, SO_RCVTIMEO, 0);
}

static int send_all(int sock, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(sock, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int client_send(struct client *client, const json_t *request)
{
	CLEANUP(cleanup_free) char *text = json_dumps(request, JSON_COMPACT);
	int r = text ? send_all(client->sock, text, strlen(text)) : -ENOMEM;

	return r == 0 ? send_all(client->sock, "\n", 1) : r;
}

/* The end of the next line, waiting for more as long as there is room. */
static int find_newline(struct client *c, char **ret_newline)
{
	size_t searched = c->at;

	for (;;) {
		char *newline = memchr(c->buf + searched, '\n', c->len - searched);

		if (newline) {
			*ret_newline = newline;
			return 0;
		}
		if (c->at > 0)
			memmove(c->buf, c->buf + c->at, c->len - c->at);
		c->len -= c->at;
		c->at = 0;
		searched = c->len;
		if (c->len == ANSWER_MAX)
			return -EBADMSG;

		ssize_t n = recv(c->sock, c->buf + c->len, ANSWER_MAX - c->len, 0);

		if (n == 0)
			return -EPIPE;
		if (n > 0)
			c->len += (size_t)n;
		else if (errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : errno == ECONNRESET ? -EPIPE : -errno;
	}
}

int client_receive(struct client *c, json_t **ret_answer)
{
	char *newline = NULL;
	int r = find_newline(c, &newline);

	if (r < 0)
		return r;
	char *line = c->buf + c->at;
	json_t *answer = json_loadb(line, (size_t)(newline - line), JSON_REJECT_DUPLICATES, NULL);

	c->at = (size_t)(newline - c->buf) + 1;
	if (!json_is_object(answer)) {
		json_decref(answer);
		return -EBADMSG;
	}
	*ret_answer = answer;
	return 0;
}
