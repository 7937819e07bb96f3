/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/metrics_server.h"
#include "daemon/queue_drops.h"
#include "daemon/start.h"

enum { CONTROL_BACKLOG = 16 };

static int complain(const char *what, int error)
{
	log_error("%s: %s", what, strerror(-error));
	return error;
}

static int find_account(const struct config *config, const char *name, struct account *ret_account)
{
	int r = sandbox_find_account(name, ret_account);
	char place[CONFIG_PLACE_MAX];

	if (r == 0)
		return 0;
	config_place(config, NULL, "user", place);
	if (r == -ENOENT)
		log_error("%s: there is no user %s; create it: useradd --system --no-create-home "
			  "--shell /usr/sbin/nologin %s",
			  place, name, name);
	else
		log_error("%s: user %s: %s", place, name, strerror(-r));
	return r;
}

int start_find_accounts(const struct config *config, struct accounts *ret_accounts)
{
	struct accounts a = {0};

	snprintf(a.gate_name, sizeof(a.gate_name), "%s-gate", config->user);
	snprintf(a.web_name, sizeof(a.web_name), "%s-web", config->user);
	int r = find_account(config, config->user, &a.engine);

	if (r == 0)
		r = find_account(config, a.gate_name, &a.gate);
	if (r == 0)
		r = find_account(config, a.web_name, &a.web);
	if (r == 0)
		*ret_accounts = a;
	return r;
}

static int control_address(const struct config *config, struct sockaddr_un *ret_addr)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/control.sock", config->run_dir) >=
	    (int)sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	*ret_addr = addr;
	return 0;
}

bool start_is_running(const struct config *config)
{
	CLEANUP(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;

	/* not being allowed to connect means that somebody listens, as far as a mere user can tell
	 */
	return fd >= 0 && control_address(config, &addr) == 0 &&
	       (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EACCES);
}

static int make_folder(const char *path, mode_t mode, const struct account *account)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct stat st;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return complain(path, -errno);
	fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return complain(path, -errno);
	if ((st.st_uid != account->uid || st.st_gid != account->gid) &&
	    fchown(fd, account->uid, account->gid) < 0)
		return complain(path, -errno);
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return complain(path, -errno);
	return 0;
}

/* A file with another name elsewhere may be anybody's, put here by who has the folder. */
static int adopt_file(int folder, const char *name, const struct account *account)
{
	CLEANUP(cleanup_close)
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid == account->uid)
		return 0;
	return fchown(fd, account->uid, account->gid) < 0 ? -errno : 0;
}

/* What is in the folder is root's where somebody has put a copy of the database back. */
static void adopt_files(const char *path, const struct account *account)
{
	CLEANUP(cleanup_closedir) DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int r = adopt_file(dirfd(dir), entry->d_name, account);

		if (r < 0)
			log_error("%s/%s cannot be given to the user of portald: %s", path,
				  entry->d_name, strerror(-r));
	}
}

/* The key of form tokens stays over a restart, so that a login page that is open then still works.
 */
static int read_secret(const struct config *config, unsigned char secret[static 32])
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/secret", config->state_dir) >= PATH_MAX)
		return -ENAMETOOLONG;
	/* the folder is another user's: never follow a link out of it */
	CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && read(fd, secret, 32) == 32)
		return 0;
	if (getrandom(secret, 32, 0) != 32)
		return complain("random numbers", -errno);
	unlink(path);
	CLEANUP(cleanup_close)
	int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* a full disk is no reason to let nobody log in */
	if (out < 0 || write(out, secret, 32) != 32)
		log_warning(
			"%s cannot be kept: %s; login pages that are open at the next start will ask again",
			path, strerror(errno));
	return 0;
}

static int open_control(const struct config *config, const struct account *account, int *ret_fd)
{
	CLEANUP(cleanup_close)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr;
	int r = control_address(config, &addr);

	if (r < 0)
		return complain(config->run_dir, r);
	if (fd < 0)
		return complain("control socket", -errno);
	if (unlink(addr.sun_path) < 0 && errno != ENOENT)
		return complain(addr.sun_path, -errno);

	mode_t before = umask(0117); /* root and the group, nobody else, from the first moment */

	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(before);
	if (r < 0 || lchown(addr.sun_path, 0, account->gid) < 0 || listen(fd, CONTROL_BACKLOG) < 0)
		return complain(addr.sun_path, -errno);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int start_open_metrics(const struct config *config, bool any_port, int *ret_fd)
{
	struct addr addr;

	if (!config->metrics)
		return 0;
	int r = config_listen_parse(config->metrics, &addr);

	if (any_port)
		addr.port = 0;
	if (r == 0)
		r = metrics_listen(&addr, ret_fd);
	char place[CONFIG_PLACE_MAX];

	if (r < 0)
		log_error("%s: %s: %s; choose an address of this host and a free port",
			  config_place(config, NULL, "metrics", place), config->metrics,
			  strerror(-r));
	return r;
}

int start_files(const struct config *config, const struct accounts *accounts,
		struct engine_parts *parts)
{
	static const struct account root = {0, 0};
	/* root's, so that nobody else can put another file in the socket's place */
	int r = make_folder(config->run_dir, 0755, &root);

	if (r == 0)
		r = make_folder(config->state_dir, 0750, &accounts->engine);
	if (r == 0) {
		adopt_files(config->state_dir, &accounts->engine);
		r = read_secret(config, parts->secret);
	}
	if (r == 0)
		r = open_control(config, &accounts->engine, &parts->control_fd);
	if (r == 0)
		r = start_open_metrics(config, false, &parts->metrics_fd);
	if (r == 0 && config_queues(config) > 0)
		parts->queue_drops = queue_drops_open();
	return r;
}
