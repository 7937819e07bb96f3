/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "tests/unit/fake_site.h"

static void add(struct bundle_writer *w, const struct fake_entry *changes,
		const struct fake_entry *entry)
{
	for (; changes && changes->name; changes++) {
		if (strcmp(changes->name, entry->name) == 0)
			return;
	}
	assert_int_equal(bundle_add(w, entry->name, entry->data,
				    entry->len ? entry->len : strlen(entry->data)),
			 0);
}

static void add_pages(struct bundle_writer *w, const struct fake_entry *changes)
{
	char path[4096], name[512], data[16384];
	const struct dirent *entry;

	snprintf(path, sizeof(path), "%s/../../portal/pages", getenv("PORTALD_TESTDATA"));
	DIR *dir = opendir(path);

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/../../portal/pages/%s", getenv("PORTALD_TESTDATA"),
			 entry->d_name);
		snprintf(name, sizeof(name), "zone/0/page/%s", entry->d_name);
		FILE *file = fopen(path, "r");

		assert_non_null(file);
		size_t len = fread(data, 1, sizeof(data), file);

		fclose(file);
		add(w, changes, &(struct fake_entry){name, data, len});
	}
	closedir(dir);
}

int fake_site(const struct fake_entry *changes, struct site **ret_site,
	      char ret_error[static SITE_ERROR_MAX])
{
	static const struct fake_entry entries[] = {
		{"log-level", "info", 0},
		{"secret", "0123456789abcdef0123456789abcdef", 0},
		{"zones", "1", 0},
		{"zone/0/name", "guest", 0},
		{"zone/0/title", "Bed & Breakfast", 0},
		{"zone/0/lang", "en", 0},
		{"zone/0/refresh", "7", 0},
		{"zone/0/accent", "#1f5fbf", 0},
		{"zone/0/accent-dark", "#8ab4f8", 0},
	};
	struct bundle_writer w = {.fd = -1};
	struct bundle *bundle;
	int fd;

	assert_int_equal(bundle_writer_init(&w), 0);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		add(&w, changes, &entries[i]);
	add_pages(&w, changes);
	for (; changes && changes->name; changes++) {
		if (changes->data)
			add(&w, NULL, changes);
	}
	assert_int_equal(bundle_seal(&w, &fd), 0);
	assert_int_equal(bundle_open(fd, &bundle), 0);
	close(fd);
	return site_load(bundle, ret_site, ret_error);
}
