/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One HTTP/1.x response, fed as it arrives: status, length, and the bytes if they are wanted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RESPONSE_HEAD_MAX = 4096,
	RESPONSE_PAGE_MAX = 65536,
	RESPONSE_TOKEN_MAX = 512,
};

struct response {
	unsigned int status;   /* 0: the head is not complete */
	bool bad;	       /* no HTTP, a head that is too long, or more bytes than announced */
	bool has_length;       /* Content-Length was there */
	uint64_t length, seen; /* of the body */
	size_t kept;	       /* bytes of buf: head and body, as far as they fit */
	size_t head;	       /* bytes of the head */
	size_t room;	       /* of buf, at least RESPONSE_HEAD_MAX */
	char *buf;
};

/* buf: of the caller's. */
void response_init(struct response *response, char *buf, size_t room);
void response_feed(struct response *response, const uint8_t *data, size_t len);
/* Whole: the head, and exactly as many bytes as Content-Length says. */
bool response_is_whole(const struct response *response);

/* The value of the hidden field "token" of the form in the page; -ENOENT. */
int response_token(const struct response *response, char ret_token[static RESPONSE_TOKEN_MAX]);
