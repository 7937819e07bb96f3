/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_fixture.h"

static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_changed = PTHREAD_COND_INITIALIZER;
static bool disk_hangs;
static unsigned int disk_waiting; /* for it */
static int disk_error;
static unsigned int disk_count;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	int error;

	pthread_mutex_lock(&disk_lock);
	disk_waiting++;
	pthread_cond_broadcast(&disk_changed);
	while (disk_hangs)
		pthread_cond_wait(&disk_changed, &disk_lock);
	disk_waiting--;
	error = disk_error;
	disk_count++;
	pthread_mutex_unlock(&disk_lock);
	if (error) {
		errno = error;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	return fdatasync(fd);
}

void disk_fail(int error)
{
	pthread_mutex_lock(&disk_lock);
	disk_error = error;
	pthread_mutex_unlock(&disk_lock);
}

void disk_hang(bool hang)
{
	pthread_mutex_lock(&disk_lock);
	disk_hangs = hang;
	pthread_cond_broadcast(&disk_changed);
	pthread_mutex_unlock(&disk_lock);
}

void disk_wait_until_it_hangs(void)
{
	pthread_mutex_lock(&disk_lock);
	while (!disk_hangs || disk_waiting == 0)
		pthread_cond_wait(&disk_changed, &disk_lock);
	pthread_mutex_unlock(&disk_lock);
}

unsigned int disk_syncs(void)
{
	pthread_mutex_lock(&disk_lock);
	unsigned int count = disk_count;

	pthread_mutex_unlock(&disk_lock);
	return count;
}

static void on_loaded(void *data, int error, struct store_contents *contents)
{
	struct fixture *f = data;

	assert_int_equal(error, 0);
	assert_in_range(contents->entry_count, 0, sizeof(f->entries) / sizeof(f->entries[0]));
	free(f->sessions);
	f->sessions = contents->sessions;
	contents->sessions = NULL;
	f->session_count = contents->session_count;
	f->entry_count = contents->entry_count;
	if (f->entry_count)
		memcpy(f->entries, contents->entries, f->entry_count * sizeof(f->entries[0]));
	f->clock = contents->clock;
	f->loaded = contents->loaded;
	f->is_loaded = true;
}

static void on_health(void *data, bool ok, const char *why)
{
	struct fixture *f = data;

	if (ok)
		f->recovered++;
	else
		f->failing++;
	snprintf(f->why, sizeof(f->why), "%s", why);
}

static void on_resync(void *data)
{
	struct fixture *f = data;

	f->resyncs++;
}

void fixture_init(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	*f = (struct fixture){0};
	snprintf(f->folder, sizeof(f->folder), "%s/store-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/portald.db", f->folder);
	f->base = event_base_new();
	assert_non_null(f->base);
	/* flush: only when a test asks for it */
	f->config = (struct store_config){.path = f->path,
					  .base = f->base,
					  .flush_ms = 3600 * 1000,
					  .retry_ms = 20,
					  .wait_ms = 3600 * 1000,
					  .health = on_health,
					  .resync = on_resync,
					  .data = f};
}

void fixture_open(struct fixture *f)
{
	f->is_loaded = false;
	assert_int_equal(store_open(&f->config, &f->store), 0);
	assert_int_equal(store_load(f->store, on_loaded, f), 0);
	while (!f->is_loaded)
		fixture_turn(f);
}

void fixture_close(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

static void each_file(const char *folder, void (*fn)(const char *path, void *data), void *data)
{
	DIR *dir = opendir(folder);
	const struct dirent *d;
	char path[PATH_MAX];

	assert_non_null(dir);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		fn(path, data);
	}
	closedir(dir);
}

static void remove_file(const char *path, void *data)
{
	(void)data;
	unlink(path);
}

void fixture_finish(struct fixture *f)
{
	fixture_close(f);
	event_base_free(f->base);
	each_file(f->folder, remove_file, NULL);
	assert_int_equal(rmdir(f->folder), 0);
	free(f->sessions);
}

void fixture_turn(struct fixture *f)
{
	assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
}

void fixture_drain(struct fixture *f)
{
	assert_int_equal(store_drain(f->store, 20000), 0);
}

uint64_t fixture_commits(struct fixture *f)
{
	struct store_stats stats;

	store_get_stats(f->store, &stats);
	return stats.commits;
}

struct counting {
	const char *part;
	size_t count;
};

static void count_file(const char *path, void *data)
{
	struct counting *c = data;

	if (strstr(path, c->part))
		c->count++;
}

size_t fixture_files(const struct fixture *f, const char *part)
{
	struct counting c = {part, 0};

	each_file(f->folder, count_file, &c);
	return c.count;
}

size_t fixture_moved(const struct fixture *f)
{
	return fixture_files(f, ".corrupt-") - fixture_files(f, "Z-wal") -
	       fixture_files(f, "Z-shm");
}

void hear(void *heard, int error)
{
	struct heard *h = heard;

	h->times++;
	h->error = error;
}

/* Every field has a value of its own. */
struct store_session make_session(uint32_t n)
{
	struct store_session s = {
		.zone = "guest",
		.mac = {{2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
			 (uint8_t)n}},
		.how = n % 2 ? HOW_GRANT : HOW_LOGIN,
		.started_unix = 1795350000 + n,
		.ends_unix = 1795360000 + n,
		.left_ms = 10000000 + n,
		.idle_s = 300 + n,
		.quota_up = 1000 + n,
		.quota_down = 2000 + n,
		.quota_total = 3000 + n,
		.rate_up = 4000 + n,
		.rate_down = 5000 + n,
		.packets_up = 6000 + n,
		.packets_down = 7000 + n,
		.bytes_up = 8000 + n,
		.bytes_down = 9000 + n,
		.last_active_unix = 1795350100 + n,
		.booted_ms = 1795340000000 + n,
		.length_ms = 20000000 + 2 * n,
	};

	snprintf(s.note, sizeof(s.note), "Zimmer %u, Café", n);
	return s;
}

void assert_same_session(const struct store_session *a, const struct store_session *b)
{
	const size_t numbers = offsetof(struct store_session, started_unix);

	assert_non_null(a);
	assert_string_equal(a->zone, b->zone);
	assert_true(mac_equal(&a->mac, &b->mac));
	assert_int_equal(a->how, b->how);
	assert_string_equal(a->note, b->note);
	assert_memory_equal((const char *)a + numbers, (const char *)b + numbers,
			    sizeof(*a) - numbers);
}

const struct store_session *find_session(const struct fixture *f, uint32_t n)
{
	const struct store_session wanted = make_session(n);

	for (size_t i = 0; i < f->session_count; i++) {
		if (mac_equal(&f->sessions[i].mac, &wanted.mac))
			return &f->sessions[i];
	}
	return NULL;
}

void sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *error = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, text, NULL, NULL, &error);
	if (error)
		fail_msg("%s: %s", text, error);
	sqlite3_close(db);
}

int64_t sql_number(const char *path, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(statement, 0);

	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}
