/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "daemon/config_file.h"

int config_read_file(const char *path, char **ret_text, size_t *ret_len)
{
	CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");
	CLEANUP(cleanup_free) char *text = malloc(CONFIG_FILE_MAX + 1);

	if (!file)
		return -errno;
	if (!text)
		return -ENOMEM;
	size_t len = fread(text, 1, CONFIG_FILE_MAX + 1, file);

	if (ferror(file))
		return -errno;
	if (len > CONFIG_FILE_MAX)
		return -EFBIG;
	text[len] = '\0';
	*ret_text = steal_ptr(&text);
	*ret_len = len;
	return 0;
}

int config_read_regular(const char *path, char **ret_text, size_t *ret_len)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? config_read_file(path, ret_text, ret_len) : -EINVAL;
}

int config_resolve(struct config_load *l, const char *value, char **field)
{
	char path[PATH_MAX];
	int len;

	if (!*value)
		return config_complain(l, "the path is empty; write one, or leave the key out");
	if (value[0] == '/')
		len = snprintf(path, sizeof(path), "%s", value);
	else
		len = snprintf(path, sizeof(path), "%s/%s", l->folder, value);
	if (len >= PATH_MAX)
		return config_complain(l, "the path is longer than the system allows");
	return config_set_text(field, path);
}

/* Of a regular file or folder.  Opens nothing else: a FIFO or a device must not stop us.  Negative
 * errno. */
static int check_readable(int dir, const char *name, mode_t type)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != type)
		return type == S_IFDIR ? -ENOTDIR : -EISDIR;
	if (type == S_IFREG && st.st_size > CONFIG_FILE_MAX)
		return -EFBIG;

	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int complain_unreadable(struct config_load *l, const char *name, int error)
{
	switch (-error) {
	case EFBIG:
		return config_complain(l, "%s is larger than %d bytes; make it smaller", name,
				       CONFIG_FILE_MAX);
	case EISDIR:
		return config_complain(l, "%s is no regular file; name one", name);
	case ENOTDIR:
		return config_complain(l, "%s is no folder; name one", name);
	default:
		return config_complain(l, "%s cannot be read: %s; mend that, or leave the key out",
				       name, strerror(-error));
	}
}

int config_check_file(struct config_load *l, const char *path)
{
	int r = check_readable(AT_FDCWD, path, S_IFREG);

	return r < 0 ? complain_unreadable(l, path, r) : 0;
}

int config_check_pages(struct config_load *l, const char *path)
{
	int r = check_readable(AT_FDCWD, path, S_IFDIR);

	if (r < 0)
		return complain_unreadable(l, path, r);

	CLEANUP(cleanup_closedir) DIR *dir = opendir(path);

	if (!dir)
		return complain_unreadable(l, path, -errno);
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == '.' || e->d_type == DT_DIR)
			continue;
		r = check_readable(dirfd(dir), e->d_name, S_IFREG);
		if (r < 0)
			return complain_unreadable(l, e->d_name, r);
	}
	return 0;
}
