/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files are written to a folder of their own, which is the working directory; '@' in an
 * expected text is its path. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"

static char folder[] = "/tmp/test_config.XXXXXX", sample_path[4096];

static void write_file(const char *name, const char *text, size_t len)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static int enter(void **state)
{
	const char *here = getenv("PORTALD_TESTDATA");

	(void)state;
	snprintf(sample_path, sizeof(sample_path), "%s/../../daemon/portald.conf",
		 here ? here : "");
	if (!here || !mkdtemp(folder) || chdir(folder) < 0)
		return -1;
	write_file("logo.png", "x", 1);
	write_file("large", "x", 1);
	mkdir("pages", 0755);
	write_file("pages/login.html", "x", 1);
	mkdir("bad-pages", 0755);
	write_file("bad-pages/style.css", "x", 1);
	return truncate("large", CONFIG_FILE_MAX + 1) < 0 ||
	       truncate("bad-pages/style.css", CONFIG_FILE_MAX + 1) < 0 ||
	       mkfifo("fifo.PNG", 0600) < 0 || mkdir("folder.png", 0755) < 0;
}

static int leave(void **state)
{
	static const char *const names[] = {"logo.png",
					    "large",
					    "pages/login.html",
					    "bad-pages/style.css",
					    "fifo.PNG",
					    "folder.png",
					    "c",
					    "fresh",
					    "pages",
					    "bad-pages",
					    folder};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(names[i]);
	return 0;
}

/* Loads text as file `name`; *ret_said is to be freed. */
static int load(const char *name, const char *text, size_t len, struct config **ret_config,
		char **ret_said)
{
	size_t size;
	FILE *out = open_memstream(ret_said, &size);

	assert_non_null(out);
	write_file(name, text, len);
	int r = config_load(name, out, ret_config);

	assert_int_equal(fclose(out), 0);
	return r;
}

static struct config *load_good(const char *name, const char *text)
{
	struct config *config = NULL;
	char *said = NULL;

	if (load(name, text, strlen(text), &config, &said) != 0)
		fail_msg("%s\n%s", text, said);
	assert_string_equal(said, "");
	free(said);
	return config;
}

static void expand(const char *text, char *to, size_t room)
{
	size_t at = 0;

	for (; *text && at < room; text++) {
		if (*text == '@')
			at += (size_t)snprintf(to + at, room - at, "%s", folder);
		else
			at += (size_t)snprintf(to + at, room - at, "%c", *text);
	}
	assert_true(at < room);
}

#define IF "interface = x\n"
#define URL_FORM                                                                                   \
	"; write it like \"https://example.org/\", with at most 512 bytes, and others than "       \
	"letters, digits and signs as %XX\n"

/* What is said, line by line, without the "c:" (the file's name) at the beginning of each. */
static const struct {
	const char *text, *said;
} bad[] = {
	/* the whole */
	{"",
	 " there is no zone; add zone \"guest\" { interface = \"br-guest\" } with the guests' interface\n"},
	{"# nothing but a comment",
	 " there is no zone; add zone \"guest\" { interface = \"br-guest\" } with the "
	 "guests' interface\n"},
	{"\nzone a {\n}",
	 "2: zone \"a\": interface: it is missing; add the guests' interface, for instance "
	 "interface = \"br-guest\"\n"},
	{"zone a { " IF "}\n\nzone b {\n" IF "}",
	 "5: zone \"b\": interface: x belongs to zone \"a\" of line 1; a zone needs an interface of its own\n"},
	{"zone a { " IF "}\nzone a { interface = y }",
	 "3: found duplicate title 'a'; each zone needs a name of its own\n"},
	{"zone a { " IF "}\nzone A { interface = y }",
	 "3: zone \"A\": it differs from zone \"a\" of line 1 in capital letters alone; choose another name\n"},
	{"zone a { " IF " portal-port = 3000\n}\nzone b { interface = y\n divert-port = 3000 }",
	 "5: zone \"b\": divert-port: port 3000 is taken by zone \"a\"; give each zone ports of its own\n"},
	{"zone a { " IF " portal-port = 3000\n divert-port = 3000\n}",
	 "3: zone \"a\": divert-port: port 3000 is taken by zone \"a\"; give each zone ports of its own\n"},
	/* keys */
	{"zone a { " IF "sesion = 8h }",
	 "2: zone \"a\": \"sesion\" is no key of portald; did you mean \"session\"?\n"},
	{"hostnam = x", "1: \"hostnam\" is no key of portald; did you mean \"hostname\"?\n"},
	{"include(\"c\")", "1: \"include(\" is no key of portald; see portald.conf(5)\n"},
	{"frobnicate = 1", "1: \"frobnicate\" is no key of portald; see portald.conf(5)\n"},
	{"title = x", "1: \"title\" is a key of a zone; put it between the braces of one\n"},
	{"zone a { workers = 1 }",
	 "1: zone \"a\": \"workers\" is no key of a zone; put it outside of all zones\n"},
	{"workers = 1\nworkers = 2\nzone a { " IF "}",
	 "2: workers: set twice; it stands on line 1 already\n"},
	{"zone a { " IF IF "}",
	 "2: zone \"a\": interface: set twice; it stands on line 1 already\n"},
	{"zone a { " IF "\ninterface = \"a b\"\n}",
	 "3: zone \"a\": interface: set twice; it stands on line 1 already\n"},
	/* all at once */
	{"mark = 3\nzone a {\n " IF " session = soon\n portal-port = 80\n colour = 1\n}",
	 "1: mark: 3 has more than one bit; take one that nothing else uses, for instance 0x00800000\n"
	 "c:4: zone \"a\": session: \"soon\" is no time; write it as 90s, 30m, 8h or 7d\n"
	 "c:5: zone \"a\": portal-port: port 80 of strangers is diverted, so nothing can be reached there; take a "
	 "free one, or leave the key out\n"
	 "c:6: zone \"a\": \"colour\" is no key of portald; see portald.conf(5)\n"},
	/* form */
	{"zone a { " IF, "1: the { of this line is never closed; add the }\n"},
	{"\nzone a {\n" IF "zone b { interface = y }\n",
	 "2: the { of this line is never closed; add the }\n"},
	{"hostname", "2: premature end of file; a value is missing before it\n"},
	{"zone a { " IF "}\n}",
	 "3: unexpected closing brace; remove it, or add the { that it closes\n"},
	{"zone { " IF "}", "1: missing title for section 'zone'; write zone \"NAME\" { ... }\n"},
	{"zone a\n" IF,
	 "2: missing opening brace for section 'zone'; write zone \"NAME\" { ... }\n"},
	{"zone a { interface x }",
	 "1: zone \"a\": missing equal sign after option 'interface'; write KEY = VALUE\n"},
	{"zone a { interface += x }",
	 "1: zone \"a\": missing equal sign after option 'interface'; write KEY = VALUE\n"},
	{"\nhostname = \"x\n",
	 "2: the closing \" of a string is missing; a string ends on its line\n"},
	{"hostname = 'x", "1: the closing ' of a string is missing; a string ends on its line\n"},
	{"hostname = \"x\\",
	 "1: a backslash; in a string write \\\\ for it and \\\" for a quotation mark\n"},
	{"hostname = \"\\x41\"",
	 "1: a backslash; in a string write \\\\ for it and \\\" for a quotation mark\n"},
	{"\n/* \n", "2: this comment has no end; close it with */\n"},
	{"zone a { accent = #1f5fbf\n}",
	 "1: a value is missing after '='; one with a # in it needs quotation marks\n"},
	{"hostname = ${HOME}",
	 "1: variables of the environment are not known here; write the value itself\n"},
	{"hostname = a${HOME}",
	 "1: variables of the environment are not known here; write the value itself\n"},
	{"hostname = \"a\1b\"", "1: a control character; remove it\n"},
	{"host\x7fname = a", "1: a control character; remove it\n"},
	{"zone|interface = x", "1: a '|' cannot stand here; only a value may have one\n"},
	{"\"zone|interface\" = x", "1: a '|' cannot stand here; only a value may have one\n"},
	{"hostname = x = y",
	 "1: unexpected token '='; write KEY = VALUE, one a line, texts with blanks in quotation "
	 "marks\n"},
#define BARE(rest)                                                                                 \
	"the value ends before " rest                                                              \
	"; put quotation marks around a value with blanks, or write the "                          \
	"next key on a line of its own\n"
	{"zone a { " IF " title = Guest network # of Miller\n}", "2: " BARE("network")},
	{"zone a { title = Guest network }", "1: " BARE("network")},
	{"zone a { title = Guest \"network\" }", "1: " BARE("\"network\"")},
	{"\nzone a { title = Time zone }", "2: " BARE("zone")},
	{"state-dir = /var/my state\nzone a { " IF "}", "1: " BARE("state")},
	{"zone a { session = 1h 30m", "1: " BARE("30m")},
	{"\xef\xbb\xbf"
	 "zone a { " IF "}",
	 "1: the file begins with a byte order mark of UTF-8; save it as UTF-8 without one (BOM)\n"},
	{"\xff\xfez",
	 "1: the file begins with a byte order mark of UTF-16; save it as UTF-8 without one (BOM)\n"},
	{"\xfe\xff",
	 "1: the file begins with a byte order mark of UTF-16; save it as UTF-8 without one (BOM)\n"},
	{"zonee a { " IF "}",
	 "1: \"zonee\" is no key of portald; did you mean zone \"NAME\" { ... }?\n"},
	{"zonee = a", "1: \"zonee\" is no key of portald; did you mean zone \"NAME\" { ... }?\n"},
	{"zone = a", "1: missing title for section 'zone'; write zone \"NAME\" { ... }\n"},
	{"zone a { " IF "\nzone b { interface = y }\n}",
	 "3: zone \"a\": \"zone\": no zone can be in another one; close this one with } first\n"},
	{"zone a { " IF "zonee = b }",
	 "2: zone \"a\": \"zonee\": no zone can be in another one; close this one with } first\n"},
	/* values */
	{"hostname = http://x\nzone a { " IF "}",
	 "1: hostname: \"http://x\" is no host name; write it like "
	 "portal.example.net, without http:// and without a port\n"},
	{"workers = 65\nzone a { " IF "}", "1: workers: it must be between 1 and 64, not 65\n"},
	{"workers = 0\nzone a { " IF "}", "1: workers: it must be between 1 and 64, not 0\n"},
	{"workers = ''\nzone a { " IF "}",
	 "1: workers: \"\" is no number; write one between 1 and 64\n"},
	{"workers = 2;\nzone a { " IF "}",
	 "1: workers: \"2;\" is no number; write one between 1 and 64\n"},
	{"workers = -1\nzone a { " IF "}",
	 "1: workers: \"-1\" is no number; write one between 1 and 64\n"},
	{"workers = 18446744073709551617\nzone a { " IF "}",
	 "1: workers: it must be between 1 and 64, not 18446744073709551617\n"},
	{"mark = 0x100000000\nzone a { " IF "}",
	 "1: mark: it must be between 1 and 4294967295, not 0x100000000\n"},
	{"mark = 0x\nzone a { " IF "}",
	 "1: mark: \"0x\" is no number; write one between 1 and 4294967295\n"},
	{"log-level = loud\nzone a { " IF "}",
	 "1: log-level: \"loud\" is not known; use error, warning, info or debug\n"},
	{"user = root\nzone a { " IF "}",
	 "1: user: portald gives its power away and cannot run as root; make a user for it\n"},
	{"user = \"a b\"\nzone a { " IF "}",
	 "1: user: \"a b\" is no user name; write a name like portald\n"},
	{"state-dir = ''\nzone a { " IF "}",
	 "1: state-dir: the path is empty; write one, or leave the key out\n"},
	{"metrics = '9273'\nzone a { " IF "}",
	 "1: metrics: \"9273\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"\n"},
	{"metrics = '::1:9273'\nzone a { " IF "}",
	 "1: metrics: \"::1:9273\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"\n"},
	{"metrics = '[::1]:0'\nzone a { " IF "}",
	 "1: metrics: the port must be between 1 and 65535, not 0\n"},
	{"metrics = '[::1]:65536'\nzone a { " IF "}",
	 "1: metrics: the port must be between 1 and 65535, not 65536\n"},
	{"metrics = '[::1]:1x'\nzone a { " IF "}",
	 "1: metrics: \"[::1]:1x\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"\n"},
	{"metrics = '[::1:9273'\nzone a { " IF "}",
	 "1: metrics: \"[::1:9273\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"\n"},
	{"metrics = '[127.0.0.1]:1'\nzone a { " IF "}",
	 "1: metrics: \"[127.0.0.1]:1\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"\n"},
	{"metrics = 'localhost:9273'\nzone a { " IF "}",
	 "1: metrics: \"localhost:9273\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"\n"},
	{"metrics = '10.0.0.1:'\nzone a { " IF "}",
	 "1: metrics: \"10.0.0.1:\" is no address with a port; write \"127.0.0.1:9273\" or \"[::1]:9273\"\n"},
	{"run-dir = /1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234\n"
	 "zone a { " IF "}",
	 "1: run-dir: the path is too long for a socket in it; use one of at most 94 bytes\n"},
	{"zone 'a b' { " IF "}",
	 "1: zone \"a b\": a zone's name has 1 to 31 letters, digits and '-'; choose another "
	 "one\n"},
	{"zone '' { " IF "}",
	 "1: zone \"\": a zone's name has 1 to 31 letters, digits and '-'; choose another one\n"},
	{"zone 12345678901234567890123456789012 { " IF "}",
	 "1: a zone's name has 1 to 31 letters, digits and '-'; choose another one\n"},
	{"zone a { interface = 1234567890123456 }",
	 "1: zone \"a\": interface: \"1234567890123456\" is no interface; a "
	 "name has 1 to 15 characters (see `ip link`)\n"},
	{"zone a { interface = 'br*' }",
	 "1: zone \"a\": interface: \"br*\" is no interface; a name is ASCII without "
	 "blanks and / : * \" ' \\ (see `ip link`)\n"},
	{"zone a { interface = ../x }",
	 "1: zone \"a\": interface: \"../x\" is no interface; a name is ASCII without "
	 "blanks and / : * \" ' \\ (see `ip link`)\n"},
	{"zone a { interface = \"br'x\" }",
	 "1: zone \"a\": interface: \"br'x\" is no interface; a name is ASCII without blanks and / : * \" ' \\ "
	 "(see `ip link`)\n"},
	{"zone a { interface = g\u00e4ste }",
	 "1: zone \"a\": interface: \"g\u00e4ste\" is no interface; a name is ASCII without blanks and / : * \" ' \\ "
	 "(see `ip link`)\n"},
	{"zone a { " IF " divert = x }",
	 "2: zone \"a\": divert: \"x\" is not known; use \"redirect\" or \"queue\"\n"},
	{"queue-first = 65472\nzone a { " IF " }",
	 "1: queue-first: it must be between 0 and 65471, not 65472\n"},
	{"zone a { " IF " login = voucher }",
	 "2: zone \"a\": login: \"voucher\" is not known; use \"click-through\"\n"},
	{"zone a { " IF " session = 0s }",
	 "2: zone \"a\": session: it must be between 1s and 3650d, not 0s\n"},
	{"zone a { " IF " session = 3651d }",
	 "2: zone \"a\": session: it must be between 1s and 3650d, not 3651d\n"},
	{"zone a { " IF " session = 99999999d }",
	 "2: zone \"a\": session: it must be between 1s and 3650d, not 99999999d\n"},
	{"zone a { " IF " session = 8 }",
	 "2: zone \"a\": session: \"8\" is no time; write it as 90s, 30m, 8h or 7d\n"},
	{"zone a { " IF " extend = 59s }",
	 "2: zone \"a\": extend: it must be between 60s and 3650d, not 59s\n"},
	{"accounting = 2d\nzone a { " IF "}",
	 "1: accounting: it must be between 1s and 1d, not 2d\n"},
	{"zone a { " IF " idle = 3651d }",
	 "2: zone \"a\": idle: it must be between 1s and 3650d, not 3651d; or none\n"},
	{"zone a { " IF " quota-up = 1048577Ti }",
	 "2: zone \"a\": quota-up: it must be between 1 and 1048576Ti, not 1048577Ti; or none\n"},
	{"zone a { " IF " quota-up = 0 }",
	 "2: zone \"a\": quota-up: it must be between 1 and 1048576Ti, not 0; or none\n"},
	{"zone a { " IF " rate-down = 100.1G }",
	 "2: zone \"a\": rate-down: it must be between 1 and 100G, not 100.1G; or none\n"},
	{"zone a { " IF " divert-port = 53 }",
	 "2: zone \"a\": divert-port: port 53 is for DNS; take a free one, or leave the key out\n"},
	{"zone a { " IF " divert-port = 65536 }",
	 "2: zone \"a\": divert-port: it must be between 1 and 65535, not 65536\n"},
	{"zone a { " IF " refresh = 61 }",
	 "2: zone \"a\": refresh: it must be between 0 and 60, not 61\n"},
	{"zone a { " IF " dns-limit = 0 }",
	 "2: zone \"a\": dns-limit: it must be between 1 and 1000000, not 0\n"},
	{"zone a { " IF " title = '' }", "2: zone \"a\": title: a title has 1 to 128 bytes\n"},
	{"zone a { " IF " title = '\xc3' }",
	 "2: zone \"a\": title: the text is no UTF-8; save the file as UTF-8\n"},
	{"zone a { " IF " accent = blue }",
	 "2: zone \"a\": accent: \"blue\" is no colour; write it as \"#1f5fbf\" (with "
	 "the quotation marks)\n"},
	{"zone a { " IF " probes = some }",
	 "2: zone \"a\": probes: \"some\" is not known; use \"compatible\" or \"strict\"\n"},
	{"zone a { " IF " venue-info-url = 'http://a/' }",
	 "2: zone \"a\": venue-info-url: \"http://a/\" is no address of a page" URL_FORM},
	{"zone a { " IF " venue-info-url = 'https:///b' }",
	 "2: zone \"a\": venue-info-url: \"https:///b\" is no address of a page" URL_FORM},
	{"zone a { " IF " venue-info-url = 'https://a/<b>' }",
	 "2: zone \"a\": venue-info-url: \"https://a/<b>\" is no address of a page" URL_FORM},
	{"zone a { " IF " redirect-probes = '  ' }",
	 "2: zone \"a\": redirect-probes: 0 probes; name 1 to 32, with blanks between them\n"},
	{"zone a { " IF " redirect-probes = 'a/b http://c/d' }",
	 "2: zone \"a\": redirect-probes: \"http://c/d\" is no probe; write it like "
	 "probe.example.net/check, *.example.net/check or */check, without http://; a * may end it\n"},
	{"zone a { " IF " redirect-probes = '"
	 "a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ "
	 "a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/ a/' }",
	 "2: zone \"a\": redirect-probes: 33 probes; name 1 to 32, with blanks between them\n"},
	{"zone a { " IF " accent = '#0b57dg' }",
	 "2: zone \"a\": accent: \"#0b57dg\" is no colour; write it as \"#1f5fbf\" (with the quotation marks)\n"},
	{"zone a { " IF " lang = english_ }",
	 "2: zone \"a\": lang: \"english_\" is no language tag; write it like en, de-CH or ar\n"},
	{"zone a { " IF " lang = de- }",
	 "2: zone \"a\": lang: \"de-\" is no language tag; write it like en, de-CH or ar\n"},
	/* files */
	{"zone a { " IF " logo = large }",
	 "2: zone \"a\": logo: large is no image that browsers know; its name must end in .svg, .png, .jpg, .jpeg, "
	 ".webp or .gif\n"},
	{"zone a { " IF " logo = none.png }",
	 "2: zone \"a\": logo: @/none.png cannot be read: No such file or "
	 "directory; mend that, or leave the key out\n"},
	{"zone a { " IF " logo = folder.png }",
	 "2: zone \"a\": logo: @/folder.png is no regular file; name one\n"},
	{"zone a { " IF " logo = fifo.PNG }",
	 "2: zone \"a\": logo: @/fifo.PNG is no regular file; name one\n"},
	{"zone a { " IF " terms = large }",
	 "2: zone \"a\": terms: @/large is larger than 1048576 bytes; make it smaller\n"},
	{"zone a { " IF " pages = logo.png }",
	 "2: zone \"a\": pages: @/logo.png is no folder; name one\n"},
	{"zone a { " IF " pages = bad-pages }",
	 "2: zone \"a\": pages: style.css is larger than 1048576 bytes; make it smaller\n"},
#define PAIR "certificate and certificate-key belong together; add what is missing\n"
	{"hostname = a.test\ncertificate-key = x\nzone a { " IF " hostname = b.test }",
	 "2: certificate-key: " PAIR},
	{"hostname = a.test\ncertificate = x\nzone a { " IF " hostname = b.test }",
	 "2: certificate: " PAIR},
	{"zone a { " IF " hostname = b.test certificate-key = x }",
	 "2: zone \"a\": certificate-key: " PAIR},
};

static void test_bad(void **state)
{
	char expected[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *config = NULL;
		char *said = NULL;

		snprintf(expected, sizeof(expected), "c:");
		expand(bad[i].said, expected + 2, sizeof(expected) - 2);
		int r = load("c", bad[i].text, strlen(bad[i].text), &config, &said);

		if (r != -EINVAL || strcmp(said, expected) != 0)
			fail_msg("case %zu, %d: %s\nsays     %sexpected %s", i, r, bad[i].text,
				 said, expected);
		assert_null(config);
		free(said);
	}
}

static void test_unreadable(void **state)
{
	static char large[CONFIG_FILE_MAX + 1];
	struct config *config = NULL;
	char *said = NULL;
	size_t size;

	(void)state;
	assert_int_equal(load("c", "zone a {\0}", 10, &config, &said), -EINVAL);
	assert_string_equal(said, "c:1: a zero byte; this is no text file\n");
	free(said);
	memset(large, '\n', sizeof(large));
	assert_int_equal(load("c", large, sizeof(large), &config, &said), -EFBIG);
	assert_string_equal(said, "c: the file is larger than 1048576 bytes; make it smaller\n");
	free(said);

	FILE *out = open_memstream(&said, &size);

	assert_int_equal(config_load("none", out, &config), -ENOENT);
	fclose(out);
	assert_string_equal(said, "none: the file cannot be read: No such file or directory\n");
	free(said);
	assert_null(config);
}

static void test_defaults(void **state)
{
	struct config *c = load_good("c", "zone \"guest\" {\n  interface = \"br-guest\"\n}\n");
	const struct zone_config *z = &c->zones[0];

	(void)state;
	assert_string_equal(c->path, "c");
	assert_null(c->hostname);
	assert_string_equal(c->state_dir, "/var/lib/portald");
	assert_string_equal(c->run_dir, "/run/portald");
	assert_string_equal(c->user, "portald");
	assert_in_range(c->workers, 1, WORKERS_MAX);
	assert_int_equal(c->mark, 0x00800000);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->zone_count, 1);
	assert_string_equal(z->name, "guest");
	assert_string_equal(z->interface, "br-guest");
	assert_int_equal(z->portal_port, 2050);
	assert_int_equal(z->divert_port, 2051);
	assert_int_equal(z->session, 8 * 3600);
	assert_int_equal(z->refresh, 0);
	assert_int_equal(z->connection_limit, 20);
	assert_int_equal(z->connection_ceiling, 1500);
	assert_int_equal(z->packet_ceiling, 10000);
	assert_int_equal(z->dns_limit, 20);
	assert_int_equal(z->refuse_limit, 20);
	assert_string_equal(z->title, "Guest network");
	assert_string_equal(z->accent, "#1f5fbf");
	assert_string_equal(z->accent_dark, "#8ab4f8");
	assert_null(z->logo);
	assert_null(z->terms);
	assert_null(z->pages);
	assert_string_equal(z->lang, "en");
	assert_null(c->zones[1].title);
	config_destroy(c);
	config_destroy(NULL);
}

static const char everything[] =
	"/* all\n * keys */ hostname = portal.example.net // a name\n"
	"state-dir = 'state'\n"
	"run-dir = \"/run/x\"\n"
	"user = _p-1\n"
	"workers = 3\n"
	"mark = 16\n"
	"log-level = debug\n"
	"zone rt\n"
	"{\n"
	"  interface = \"br-a.b\" divert = redirect login = click-through\n"
	"  session = '1h 30m' idle = 20m quota-up = 1 quota-down = 1.5G quota-total = '2Ti'\n"
	"  portal-port = 2052 rate-up = 512k rate-down = 1G\n"
	"  divert-port = 65535\n"
	"  title = \"${HOME} $1 #1 // \\\"B\xc3\xbcro\\\" C:\\\\ /* x */ {}|\"\n"
	"  refresh = 60\n"
	"  connection-limit = 1\n"
	"  connection-ceiling = 7 packet-ceiling = 8\n"
	"  dns-limit = 1000000\n"
	"  refuse-limit = 5\n"
	"  accent = \"#ABCDEF\" accent-dark = '#012345'\n"
	"  logo = logo.png\n"
	"  terms = ./logo.png\n"
	"  pages = pages\n"
	"  lang = zh-Hant-TW\n"
	"}\n"
	"zone x-2 {\n"
	"  interface=eth0}\n";

static void test_everything(void **state)
{
	struct config *c = load_good("c", everything);
	const struct zone_config *z = c->zones;
	char path[64];

	(void)state;
	assert_string_equal(c->hostname, "portal.example.net");
	snprintf(path, sizeof(path), "%s/state", folder);
	assert_string_equal(c->state_dir, path);
	assert_string_equal(c->run_dir, "/run/x");
	assert_string_equal(c->user, "_p-1");
	assert_int_equal(c->workers, 3);
	assert_int_equal(c->mark, 16);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->zone_count, 2);
	assert_string_equal(z->interface, "br-a.b");
	assert_int_equal(z->session, 5400);
	assert_memory_equal(
		&z->limits,
		(&(struct limits){1200, 1, 1500000000, UINT64_C(2) << 40, 512000, 1000000000}),
		sizeof(z->limits));
	assert_int_equal(z->portal_port, 2052);
	assert_int_equal(z->divert_port, 65535);
	assert_string_equal(z->title, "${HOME} $1 #1 // \"B\xc3\xbcro\" C:\\ /* x */ {}|");
	assert_int_equal(z->refresh, 60);
	assert_int_equal(z->connection_limit, 1);
	assert_int_equal(z->connection_ceiling, 7);
	assert_int_equal(z->packet_ceiling, 8);
	assert_int_equal(z->dns_limit, 1000000);
	assert_int_equal(z->refuse_limit, 5);
	assert_string_equal(z->accent, "#ABCDEF");
	assert_string_equal(z->accent_dark, "#012345");
	snprintf(path, sizeof(path), "%s/logo.png", folder);
	assert_string_equal(z->logo, path);
	assert_non_null(z->terms);
	assert_non_null(z->pages);
	assert_string_equal(z->lang, "zh-Hant-TW");
	/* around the port that is set */
	assert_string_equal(z[1].name, "x-2");
	assert_int_equal(z[1].portal_port, 2053);
	assert_int_equal(z[1].divert_port, 2054);
	config_destroy(c);
}

static void test_lines(void **state)
{
	struct config *c = load_good("c", everything);

	(void)state;
	assert_int_equal(config_line(c, NULL, "hostname"), 2);
	assert_int_equal(config_line(c, NULL, "log-level"), 8);
	assert_int_equal(config_line(c, NULL, "nonsense"), 0);
	assert_int_equal(c->zones[0].line, 10);
	assert_int_equal(config_line(c, &c->zones[0], "interface"), 11);
	assert_int_equal(config_line(c, &c->zones[0], "divert"), 11);
	assert_int_equal(config_line(c, &c->zones[0], "lang"), 25);
	assert_int_equal(config_line(c, &c->zones[1], "interface"), 28);
	assert_int_equal(config_line(c, &c->zones[1], "lang"), 27);
	assert_int_equal(config_line(c, &c->zones[1], "nonsense"), 27);
	config_destroy(c);
}

static void test_many_zones(void **state)
{
	char text[8192], *said = NULL;
	struct config *c = NULL;
	size_t at = 0;

	(void)state;
	for (int i = 0; i < ZONES_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "zone z%d { interface = i%d }\n", i, i);
	snprintf(text + at, sizeof(text) - at, "workers = 3\n");
	c = load_good("c", text);
	assert_int_equal(c->workers, 3);
	assert_int_equal(c->zone_count, ZONES_MAX);
	assert_int_equal(c->zones[ZONES_MAX - 1].divert_port, 2051 + 2 * (ZONES_MAX - 1));
	assert_int_equal(c->zones[ZONES_MAX - 1].line, ZONES_MAX);
	config_destroy(c);
	c = NULL;
	snprintf(text + at, sizeof(text) - at, "zone more { interface = more }\n");
	assert_int_equal(load("c", text, strlen(text), &c, &said), -EINVAL);
	assert_string_equal(
		said,
		"c:65: zone \"more\": interface: there are more than 64 zones; remove some\n");
	free(said);
	snprintf(text + at, sizeof(text) - at, "zone more { }\n");
	assert_int_equal(load("c", text, strlen(text), &c, &said), -EINVAL);
	assert_string_equal(said,
			    "c:65: zone \"more\": there are more than 64 zones; remove some\n");
	free(said);
	assert_null(c);
}

static void test_sample(void **state)
{
	struct config *c = NULL;

	(void)state;
	assert_int_equal(config_load(sample_path, stderr, &c), 0);
	assert_int_equal(c->zone_count, 1);
	assert_string_equal(c->zones[0].interface, "br-guest");
	config_destroy(c);
}

/* Each commented key of the sample says its default: with all of them active nothing changes but
 * the paths' files. */
static void test_sample_shows_defaults(void **state)
{
	static const char *const without_default[] = {
		"certificate", "hostname",	  "workers", "logo",	      "terms",
		"pages",       "redirect-probes", "metrics", "venue-info-url"};
	FILE *sample = fopen(sample_path, "r"), *active = fopen("fresh", "w");
	struct config *a = NULL, *b = NULL;
	char line[256], *said = NULL;
	size_t size, keys = 0;

	(void)state;
	assert_non_null(sample);
	assert_non_null(active);
	while (fgets(line, sizeof(line), sample)) {
		char *hash = strchr(line, '#');
		bool key = hash && hash[1] >= 'a' && hash[1] <= 'z';

		for (size_t i = 0; key && i < sizeof(without_default) / sizeof(without_default[0]);
		     i++)
			key = strncmp(hash + 1, without_default[i], strlen(without_default[i])) !=
			      0;
		keys += key;
		fputs(key ? hash + 1 : line, active);
	}
	fclose(sample);
	fclose(active);
	assert_int_equal(keys, 32);
	assert_int_equal(config_load(sample_path, stderr, &a), 0);
	assert_int_equal(config_load("fresh", stderr, &b), 0);

	FILE *out = open_memstream(&said, &size);

	assert_int_equal(config_keep_fixed(a, b, out), 0);
	fclose(out);
	assert_int_equal(a->log_level, b->log_level);
	assert_int_equal(a->zones[0].session, b->zones[0].session);
	assert_string_equal(a->zones[0].title, b->zones[0].title);
	assert_int_equal(a->zones[0].refresh, b->zones[0].refresh);
	assert_int_equal(a->zones[0].connection_limit, b->zones[0].connection_limit);
	assert_int_equal(a->zones[0].connection_ceiling, b->zones[0].connection_ceiling);
	assert_int_equal(a->zones[0].packet_ceiling, b->zones[0].packet_ceiling);
	assert_int_equal(a->zones[0].dns_limit, b->zones[0].dns_limit);
	assert_int_equal(a->zones[0].refuse_limit, b->zones[0].refuse_limit);
	assert_string_equal(a->zones[0].accent, b->zones[0].accent);
	assert_string_equal(a->zones[0].accent_dark, b->zones[0].accent_dark);
	assert_string_equal(a->zones[0].lang, b->zones[0].lang);
	assert_int_equal(a->accounting, b->accounting);
	assert_memory_equal(&a->zones[0].limits, &b->zones[0].limits, sizeof(a->zones[0].limits));
	free(said);
	config_destroy(a);
	config_destroy(b);
}

static void reload(struct config *running, struct config *fresh, size_t kept, const char *expected)
{
	char *said = NULL;
	size_t size;
	FILE *out = open_memstream(&said, &size);

	assert_int_equal(config_keep_fixed(running, fresh, out), kept);
	fclose(out);
	assert_string_equal(said, expected);
	free(said);
}

static void test_reload_of_what_can_change(void **state)
{
	struct config *
		running = load_good("c", "zone a { " IF "}"),
	       *fresh = load_good(
		       "fresh",
		       "hostname = h\nlog-level = error\n"
		       "zone a { " IF
		       " session = 1h title = t refresh = 5 dns-limit = 7 accent = '#111111' logo = logo.png lang = de }");

	(void)state;
	reload(running, fresh, 0, "");
	assert_string_equal(fresh->hostname, "h");
	assert_int_equal(fresh->log_level, LOG_LEVEL_ERROR);
	assert_int_equal(fresh->zones[0].session, 3600);
	assert_string_equal(fresh->zones[0].title, "t");
	assert_int_equal(fresh->zones[0].dns_limit, 7);
	assert_non_null(fresh->zones[0].logo);
	config_destroy(running);
	config_destroy(fresh);
}

static void test_reload_of_fixed_keys(void **state)
{
	struct config *running = load_good("c", "workers = 2\nzone a { " IF " }");
	struct config *fresh = load_good(
		"fresh",
		"user = u\nworkers = 3\nmark = 1\nrun-dir = /r\nstate-dir = /s\n"
		"zone a {\n interface = y\n portal-port = 9\n divert-port = 10\n title = t\n}");

	(void)state;
	reload(running, fresh, 8,
	       "fresh:5: state-dir: a change needs a restart; the old value stays\n"
	       "fresh:4: run-dir: a change needs a restart; the old value stays\n"
	       "fresh:1: user: a change needs a restart; the old value stays\n"
	       "fresh:2: workers: a change needs a restart; the old value stays\n"
	       "fresh:3: mark: a change needs a restart; the old value stays\n"
	       "fresh:7: zone \"a\": interface: a change needs a restart; the old value stays\n"
	       "fresh:8: zone \"a\": portal-port: a change needs a restart; the old value stays\n"
	       "fresh:9: zone \"a\": divert-port: a change needs a restart; the old value stays\n");
	assert_string_equal(fresh->user, "portald");
	assert_int_equal(fresh->workers, 2);
	assert_int_equal(fresh->mark, 0x00800000);
	assert_string_equal(fresh->run_dir, "/run/portald");
	assert_string_equal(fresh->zones[0].interface, "x");
	assert_int_equal(fresh->zones[0].portal_port, 2050);
	assert_string_equal(fresh->zones[0].title, "t");
	config_destroy(running);
	config_destroy(fresh);
}

static void test_reload_of_zones(void **state)
{
	struct config *running = load_good(
		"c",
		"zone a { interface = a portal-port = 1000 divert-port = 1001 tls-port = 1101 }\n"
		"zone b { interface = b title = old portal-port = 1002 divert-port = 1003 tls-port = 1102 }\n"
		"zone c { interface = c portal-port = 1004 divert-port = 1005 tls-port = 1103 logo = logo.png }\n");
	struct config *fresh = load_good(
		"fresh",
		"zone d { interface = d }\n"
		"zone c { interface = c portal-port = 1004 divert-port = 1005 tls-port = 1103 title = new }\n"
		"zone a { interface = a portal-port = 1000 divert-port = 1001 tls-port = 1101 }\n");

	(void)state;
	reload(running, fresh, 2,
	       "fresh: zone \"b\": it is gone; taking it away needs a restart, so it stays\n"
	       "fresh:1: zone \"d\": it is new; a restart brings it up, until then it is left out\n");
	assert_int_equal(fresh->zone_count, 3);
	assert_string_equal(fresh->zones[0].name, "a");
	assert_string_equal(fresh->zones[1].name, "b");
	assert_string_equal(fresh->zones[1].title, "old");
	assert_ptr_not_equal(fresh->zones[1].title, running->zones[1].title);
	assert_string_equal(fresh->zones[2].name, "c");
	assert_string_equal(fresh->zones[2].title, "new");
	assert_null(fresh->zones[2].logo);
	assert_int_equal(config_line(fresh, &fresh->zones[2], "title"), 2);
	assert_null(fresh->zones[3].name);
	config_destroy(running);
	config_destroy(fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_many_zones),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_sample_shows_defaults),
		cmocka_unit_test(test_reload_of_what_can_change),
		cmocka_unit_test(test_reload_of_fixed_keys),
		cmocka_unit_test(test_reload_of_zones),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
