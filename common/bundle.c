/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bundle.h"
#include "common/cleanup.h"

int bundle_writer_init(struct bundle_writer *w)
{
	CLEANUP(cleanup_close)
	int fd = memfd_create("portald-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	FILE *file = fdopen(fd, "w");

	if (!file)
		return -errno;
	w->file = file;
	w->fd = steal_fd(&fd);
	return 0;
}

int bundle_add(struct bundle_writer *w, const char *name, const void *data, size_t len)
{
	size_t name_len = strlen(name);
	uint32_t head[2] = {(uint32_t)name_len, (uint32_t)len};

	if (name_len == 0 || name_len > BUNDLE_NAME_MAX)
		return -EINVAL;
	if (len > BUNDLE_SIZE_MAX)
		return -EFBIG;
	fwrite(head, sizeof(head), 1, w->file);
	fwrite(name, name_len + 1, 1, w->file);
	fwrite(data, 1, len, w->file);
	fputc('\0', w->file);
	return ferror(w->file) ? -EIO : 0;
}

int bundle_addf(struct bundle_writer *w, const char *name, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;

	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);

	va_end(args);
	if (len < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return bundle_add(w, name, text, (size_t)len);
}

int bundle_seal(struct bundle_writer *w, int *ret_fd)
{
	if (fflush(w->file) != 0)
		return -errno;
	CLEANUP(cleanup_close) int fd = fcntl(w->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	bundle_writer_finish(w);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

void bundle_writer_finish(struct bundle_writer *w)
{
	if (w->file)
		fclose(w->file);
	w->file = NULL;
	w->fd = -1;
}

/* One entry at offset `at`; 0 and the next offset, or -EBADMSG. */
static int bundle_entry(const char *data, size_t len, size_t at, uint32_t head[static 2],
			size_t *ret_next)
{
	if (len - at < sizeof(uint32_t) * 2)
		return -EBADMSG;
	memcpy(head, data + at, sizeof(uint32_t) * 2);
	at += sizeof(uint32_t) * 2;
	if (head[0] == 0 || head[0] > BUNDLE_NAME_MAX || head[0] + 1 > len - at)
		return -EBADMSG;
	if (data[at + head[0]] != '\0' || memchr(data + at, '\0', head[0]))
		return -EBADMSG;
	at += head[0] + 1;
	if (head[1] >= len - at || data[at + head[1]] != '\0')
		return -EBADMSG;
	*ret_next = at + head[1] + 1;
	return 0;
}

int bundle_check(const void *data, size_t len)
{
	uint32_t head[2];
	size_t at = 0;

	while (at < len) {
		if (bundle_entry(data, len, at, head, &at) < 0)
			return -EBADMSG;
	}
	return 0;
}

int bundle_open(int fd, struct bundle **ret_bundle)
{
	CLEANUP(cleanup_free) struct bundle *b = calloc(1, sizeof(*b));
	struct stat st;

	if (!b)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0)
		return -EBADMSG;
	if (st.st_size > BUNDLE_SIZE_MAX)
		return -EFBIG;
	b->len = (size_t)st.st_size;
	b->map = mmap(NULL, b->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (b->map == MAP_FAILED)
		return -errno;
	int r = bundle_check(b->map, b->len);

	if (r < 0) {
		munmap(b->map, b->len);
		return r;
	}
	*ret_bundle = steal_ptr(&b);
	return 0;
}

void bundle_destroy(struct bundle *b)
{
	if (!b)
		return;
	munmap(b->map, b->len);
	free(b);
}

const char *bundle_get(const struct bundle *b, const char *name, size_t *ret_len)
{
	const char *data = b->map;
	size_t name_len = strlen(name), next;
	uint32_t head[2];

	for (size_t at = 0; at < b->len; at = next) {
		if (bundle_entry(data, b->len, at, head, &next) < 0)
			return NULL;
		at += sizeof(head);
		if (head[0] == name_len && memcmp(data + at, name, name_len) == 0) {
			if (ret_len)
				*ret_len = head[1];
			return data + at + head[0] + 1;
		}
	}
	return NULL;
}

long bundle_get_number(const struct bundle *b, const char *name, long fallback)
{
	const char *text = bundle_get(b, name, NULL);
	char *end;

	if (!text || !*text)
		return fallback;
	errno = 0;
	long n = strtol(text, &end, 10);

	return errno || *end ? fallback : n;
}
